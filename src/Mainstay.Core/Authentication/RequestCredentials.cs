using Mainstay.Core.Http;

namespace Mainstay.Core.Authentication;

/// <summary>Where a request has its credentials.</summary>
public static class RequestCredentials
{
    /// <summary>The value of Authorization. False when there is none, or more than one: then servers could take another one than we do.</summary>
    public static bool TryFindAuthorization(RequestHead request, ReadOnlySpan<byte> head, out ReadOnlySpan<byte> value)
    {
        value = default;
        int found = 0;
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (!RequestValues.HasName(field, head, "authorization"u8)) continue;
            value = field.ValueRange.Of(head);
            found++;
        }

        return found == 1;
    }

    public static bool TryFindCookie(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        foreach (ref readonly HeaderField field in request.Fields)
        {
            if (field.Name != FieldName.Cookie) continue;
            ReadOnlySpan<byte> cookies = field.ValueRange.Of(head);
            while (RequestValues.TryNextCookie(ref cookies, out ReadOnlySpan<byte> each, out value))
                if (each.SequenceEqual(name)) return true;
        }

        value = default;
        return false;
    }
}
