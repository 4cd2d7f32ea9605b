using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Rules;

/// <summary>
/// What a service and one of its routes change in the headers of a message, compiled. The route's word counts where both speak of one
/// name. Immutable; nothing here allocates for a message.
/// </summary>
public sealed class HeaderEdits
{
    private readonly (byte[] From, byte[] To)[] _renamed;

    /// <summary>Removed, and those that are set.</summary>
    private readonly byte[][] _dropped;
    private readonly (byte[] Name, Template Value)[] _written;

    internal HeaderEdits(HeaderEditsSnapshot service, HeaderEditsSnapshot route, CaptureSlots slots)
    {
        HashSet<string> overruled = new([.. route.Remove, .. route.Set.Select(set => set.Name)], StringComparer.OrdinalIgnoreCase);
        ImmutableArray<NamedTemplate> set = [.. service.Set.Where(s => !overruled.Contains(s.Name)), .. route.Set];
        ImmutableArray<NamedTemplate> add = [.. service.Add.Where(s => !overruled.Contains(s.Name)), .. route.Add];
        _renamed = [.. service.Rename.Concat(route.Rename).Select(r => (Ascii(r.From), Ascii(r.To)))];
        _dropped = [.. service.Remove.Concat(route.Remove).Concat(set.Select(s => s.Name)).Distinct(StringComparer.OrdinalIgnoreCase).Select(Ascii)];
        _written = [.. set.Concat(add).Select(s => (Ascii(s.Name), new Template(s.Template, TemplateUse.HeaderValue, slots)))];
        IsStatic = _written.All(field => field.Value.IsStatic);
    }

    public bool IsEmpty => _renamed.Length + _dropped.Length + _written.Length == 0;

    /// <summary>Its values are the same for every message.</summary>
    public bool IsStatic { get; }

    /// <summary>Copies a message's fields, in their order, as far as they stay.</summary>
    /// <param name="dropHost">Host is written by somebody else.</param>
    internal void Copy(ref HeadBuffer buffer, ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head, bool dropHost)
    {
        foreach (ref readonly HeaderField field in fields)
        {
            ReadOnlySpan<byte> line = head[field.Start..field.End];
            if (Renamed(field, head) is { } other)
            {
                // A name that the message gets by being renamed is one that can be removed or set.
                if (Drops(other)) continue;
                buffer.Write(other);
                line = line[field.NameLength..];
            }
            else if ((dropHost && field.Name == FieldName.Host) || Drops(line[..field.NameLength]))
            {
                continue;
            }

            buffer.Write(line);
        }
    }

    /// <summary>Writes the fields that are set and added to a request.</summary>
    internal void Write(ref HeadBuffer buffer, in RuleInput input)
    {
        foreach ((byte[] name, Template value) in _written)
        {
            int start = BeginField(ref buffer, name, out int valueStart);
            value.Write(ref buffer, input);
            EndField(ref buffer, start, valueStart);
        }
    }

    /// <summary>Keeps what only the request knows, for the response.</summary>
    /// <returns>Length, or -1 when it does not fit.</returns>
    public int WriteEarly(Span<byte> destination, in RuleInput input)
    {
        var buffer = new HeadBuffer(destination);
        foreach ((_, Template value) in _written) value.WriteEarly(ref buffer, input);
        return buffer.Result;
    }

    /// <summary>The lines for a response of our own; empty when they do not fit.</summary>
    /// <param name="isKept">The request's part was kept in <paramref name="early"/>; else only what is the same for all is said.</param>
    public ReadOnlySpan<byte> WriteOwn(Span<byte> destination, bool isKept, scoped ReadOnlySpan<byte> early, scoped in ResponseInput input)
    {
        var buffer = new HeadBuffer(destination);
        if (isKept) WriteLate(ref buffer, early, input, own: true);
        else WriteStatic(ref buffer);
        return buffer.Written;
    }

    /// <summary>Writes the fields that are set and added to a response.</summary>
    /// <param name="early">Of <see cref="WriteEarly"/>.</param>
    /// <param name="own">It is a response of ours, which has fields of its own that stay.</param>
    internal void WriteLate(ref HeadBuffer buffer, scoped ReadOnlySpan<byte> early, scoped in ResponseInput input, bool own = false)
    {
        int at = 0;
        foreach ((byte[] name, Template value) in _written)
        {
            int start = BeginField(ref buffer, name, out int valueStart);
            value.WriteLate(ref buffer, early, ref at, input);
            EndField(ref buffer, start, valueStart);
            if (own && IsOurs(name)) buffer.Truncate(start);
        }
    }

    /// <summary>Writes what can be said without knowing the request: it was refused before it had a route.</summary>
    internal void WriteStatic(ref HeadBuffer buffer)
    {
        foreach ((byte[] name, Template value) in _written)
        {
            if (!value.IsStatic || IsOurs(name)) continue;
            int start = BeginField(ref buffer, name, out int valueStart);
            value.WriteStatic(ref buffer);
            EndField(ref buffer, start, valueStart);
        }
    }

    /// <summary>What it does, a line each, for explanations.</summary>
    public IEnumerable<string> Describe(bool isResponse)
    {
        foreach ((byte[] from, byte[] to) in _renamed) yield return $"rename {Text(from)} to {Text(to)}";
        foreach (byte[] name in _dropped.Where(name => !_written.Any(w => w.Name.AsSpan().SequenceEqual(name)))) yield return $"remove {Text(name)}";
        foreach ((byte[] name, Template value) in _written)
            yield return $"{(_dropped.Any(d => d.AsSpan().SequenceEqual(name)) ? "set" : "add")} {Text(name)}{(isResponse || value.IsStatic ? $": {value.Source}" : "")}";
    }

    private static int BeginField(ref HeadBuffer buffer, byte[] name, out int valueStart)
    {
        int start = buffer.Result;
        buffer.Write(name);
        buffer.Write(": "u8);
        valueStart = buffer.Result;
        return start;
    }

    private static void EndField(ref HeadBuffer buffer, int start, int valueStart)
    {
        if (buffer.Result == valueStart) buffer.Truncate(start);
        else buffer.Write("\r\n"u8);
    }

    private static bool IsOurs(ReadOnlySpan<byte> name) =>
        System.Text.Ascii.EqualsIgnoreCase(name, "content-type"u8) || System.Text.Ascii.EqualsIgnoreCase(name, "location"u8)
        || System.Text.Ascii.EqualsIgnoreCase(name, "date"u8);

    private byte[]? Renamed(in HeaderField field, ReadOnlySpan<byte> head)
    {
        foreach ((byte[] from, byte[] to) in _renamed)
            if (RequestValues.HasName(field, head, from)) return to;
        return null;
    }

    private bool Drops(ReadOnlySpan<byte> name)
    {
        foreach (byte[] dropped in _dropped)
            if (dropped.Length == name.Length && System.Text.Ascii.EqualsIgnoreCase(name, dropped)) return true;
        return false;
    }

    private static byte[] Ascii(string name) => Encoding.ASCII.GetBytes(name);

    private static string Text(byte[] name) => Encoding.ASCII.GetString(name);
}
