using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;

namespace Mainstay.Core.Http;

/// <summary>
/// What a request is hashed on: to choose its server, or the client whose rate it counts for. A request without the header, cookie or
/// parameter is hashed on its source address, so that it does not fall together with all others of its kind.
/// </summary>
public sealed class PickHash(HashSource on, string name)
{
    /// <summary>Bytes of scratch that an address takes.</summary>
    public const int ScratchLength = 16;

    private readonly HashSource _source = on;
    private readonly byte[] _name = Encoding.UTF8.GetBytes(name);

    public PickHash(BalanceSnapshot balance)
        : this(balance.HashOn, balance.HashName)
    {
    }

    /// <summary>Returns a piece of <paramref name="head"/> or of <paramref name="scratch"/>.</summary>
    public ReadOnlySpan<byte> Input(RequestHead request, ReadOnlySpan<byte> head, NetAddress source, Span<byte> scratch)
    {
        bool found = TryFind(request, head, out ReadOnlySpan<byte> input);
        if (found && !input.IsEmpty) return input;
        return source.IsNone ? default : scratch[..source.WriteBytes(scratch)];
    }

    private bool TryFind(RequestHead request, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> input)
    {
        switch (_source)
        {
            case HashSource.Header: return TryFindHeader(request, head, out input);
            case HashSource.Cookie: return TryFindCookie(request, head, out input);
            case HashSource.Query: return TryFindParameter(request.Query.Of(head), out input);
            case HashSource.Path:
                input = request.Path.Of(head);
                return true;
            default:
                input = default;
                return false;
        }
    }

    private bool TryFindHeader(RequestHead request, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> input)
    {
        input = default;
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (!RequestValues.HasName(field, head, _name)) continue;
            input = field.ValueRange.Of(head);
            return true;
        }

        return false;
    }

    private bool TryFindCookie(RequestHead request, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> input)
    {
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.Name != FieldName.Cookie) continue;
            ReadOnlySpan<byte> cookies = field.ValueRange.Of(head);
            while (RequestValues.TryNextCookie(ref cookies, out ReadOnlySpan<byte> name, out input))
                if (name.SequenceEqual(_name)) return true;
        }

        input = default;
        return false;
    }

    private bool TryFindParameter(ReadOnlySpan<byte> query, out ReadOnlySpan<byte> input)
    {
        while (RequestValues.TryNextParameter(ref query, out ReadOnlySpan<byte> name, out input))
            if (name.SequenceEqual(_name)) return true;
        input = default;
        return false;
    }
}
