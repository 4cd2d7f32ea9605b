using System.Text;

namespace Mainstay.Core.Http.Files;

public enum PreconditionResult : byte
{
    Proceed,

    /// <summary>304.</summary>
    NotModified,

    /// <summary>412.</summary>
    Failed,
}

/// <summary>The validators of the representation that a request is about.</summary>
public readonly ref struct Validators
{
    /// <summary>Opaque tag with its quotes.</summary>
    public required ReadOnlySpan<byte> EntityTag { get; init; }

    /// <summary>Of the tag and of the date.</summary>
    public required bool AreStrong { get; init; }
    public required long ModifiedSeconds { get; init; }
}

/// <summary>The fields of a GET or HEAD request that decide how a representation is sent, found in one pass over its head.</summary>
public struct SelectionFields
{
    // Number of the field, 0 = not there; of lists the first.
    private int _ifMatch, _ifNoneMatch, _ifModifiedSince, _ifUnmodifiedSince, _ifRange, _range;

    /// <summary>There is an Accept-Encoding.</summary>
    public bool HasAcceptEncoding { get; private set; }

    /// <summary>Nothing is asked but the representation.</summary>
    public readonly bool IsPlain => (_ifMatch | _ifNoneMatch | _ifModifiedSince | _ifUnmodifiedSince | _range) == 0;

    /// <summary>Range, which a recipient of any method but GET ignores (RFC 9110 section 14.2).</summary>
    public readonly bool HasRange => _range > 0;

    public static SelectionFields Find(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head)
    {
        var found = new SelectionFields();
        for (int i = 0; i < fields.Length; i++) found.Note(fields[i].NameRange.Of(head), i + 1);
        return found;
    }

    /// <summary>RFC 9110 section 13.2.2, steps 1 to 4.</summary>
    public readonly PreconditionResult Evaluate(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head, in Validators current, int year)
    {
        if (_ifMatch > 0)
        {
            if (!Lists(fields, head, _ifMatch, "if-match"u8, current, strongly: true)) return PreconditionResult.Failed;
        }
        else if (_ifUnmodifiedSince > 0 && HttpDate.TryParse(Value(fields, head, _ifUnmodifiedSince), year, out long unmodifiedSince)
                 && current.ModifiedSeconds > unmodifiedSince)
        {
            return PreconditionResult.Failed;
        }

        if (_ifNoneMatch > 0)
        {
            bool listed = Lists(fields, head, _ifNoneMatch, "if-none-match"u8, current, strongly: false);
            return listed ? PreconditionResult.NotModified : PreconditionResult.Proceed;
        }

        bool unchanged = _ifModifiedSince > 0 && HttpDate.TryParse(Value(fields, head, _ifModifiedSince), year, out long modifiedSince)
            && current.ModifiedSeconds <= modifiedSince;
        return unchanged ? PreconditionResult.NotModified : PreconditionResult.Proceed;
    }

    /// <summary>The Range to heed: empty when there is none, or If-Range says that it is about another content (section 13.1.5).</summary>
    public readonly ReadOnlySpan<byte> RangeFor(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head, in Validators current, int year)
    {
        if (_range == 0) return default;
        ReadOnlySpan<byte> range = Value(fields, head, _range);
        if (_ifRange == 0) return range;
        if (!current.AreStrong) return default;
        ReadOnlySpan<byte> condition = Value(fields, head, _ifRange);
        if (condition.StartsWith("\""u8)) return condition.SequenceEqual(current.EntityTag) ? range : default;
        bool same = HttpDate.TryParse(condition, year, out long date) && date == current.ModifiedSeconds;
        return same ? range : default;
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head, int number) =>
        fields[number - 1].ValueRange.Of(head);

    /// <summary>Whether a list, which may stand in several fields of one name, names the current tag, or is "*".</summary>
    private static bool Lists(
        ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head, int number, ReadOnlySpan<byte> name, in Validators current, bool strongly)
    {
        foreach (ref readonly HeaderField field in fields[(number - 1)..])
        {
            if (!RequestValues.HasName(field, head, name)) continue;
            ReadOnlySpan<byte> list = field.ValueRange.Of(head);
            if (list is [(byte)'*']) return true;
            while (EntityTags.TryNext(ref list, out ReadOnlySpan<byte> opaque, out bool isWeak))
            {
                bool comparable = !strongly || (!isWeak && current.AreStrong);
                if (comparable && opaque.SequenceEqual(current.EntityTag)) return true;
            }
        }

        return false;
    }

    private void Note(ReadOnlySpan<byte> name, int number)
    {
        switch (name.Length)
        {
            case 5: First(ref _range, name, "range"u8, number); break;
            case 8:
                First(ref _ifMatch, name, "if-match"u8, number);
                First(ref _ifRange, name, "if-range"u8, number);
                break;
            case 13: First(ref _ifNoneMatch, name, "if-none-match"u8, number); break;
            case 15: HasAcceptEncoding |= Ascii.EqualsIgnoreCase(name, "accept-encoding"u8); break;
            case 17: First(ref _ifModifiedSince, name, "if-modified-since"u8, number); break;
            case 19: First(ref _ifUnmodifiedSince, name, "if-unmodified-since"u8, number); break;
        }
    }

    private static void First(ref int place, ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted, int number)
    {
        if (place == 0 && Ascii.EqualsIgnoreCase(name, wanted)) place = number;
    }
}
