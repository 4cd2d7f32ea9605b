using System.Buffers.Text;
using System.Text;

namespace Mainstay.Core.Http;

/// <summary>
/// Dates of header fields (RFC 9110 section 5.6.7). Written is IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT; read are the two obsolete forms too.
/// </summary>
public static class HttpDate
{
    public const int Length = 29;

    /// <summary>Writes 29 bytes; a shard does so once a second.</summary>
    public static void Format(long unixSeconds, Span<byte> destination)
    {
        DateTime time = DateTime.UnixEpoch.AddSeconds(unixSeconds);
        Span<char> text = stackalloc char[Length];
        time.TryFormat(text, out int length, "r");
        Encoding.ASCII.GetBytes(text[..length], destination);
    }

    /// <summary>Reads any of the three forms; false for anything else, which a recipient takes for no date at all.</summary>
    /// <param name="currentYear">For the two-digit years of RFC 850: a date more than 50 years ahead is one of the past.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, int currentYear, out long unixSeconds)
    {
        unixSeconds = 0;
        int comma = text.IndexOf((byte)',');
        if (comma < 0) return TryParseAsctime(text, out unixSeconds);
        ReadOnlySpan<byte> rest = text[(comma + 1)..];
        if (comma == 3) return IsDay(text[..3], full: false) && TryParseFixdate(rest, out unixSeconds);
        return IsDay(text[..comma], full: true) && TryParseRfc850(rest, currentYear, out unixSeconds);
    }

    /// <summary>Behind the comma: <c> 06 Nov 1994 08:49:37 GMT</c>.</summary>
    private static bool TryParseFixdate(ReadOnlySpan<byte> text, out long unixSeconds)
    {
        unixSeconds = 0;
        return text.Length == 25 && text[0] == ' ' && text[3] == ' ' && text[7] == ' ' && text[12] == ' ' && text[21..].SequenceEqual(" GMT"u8)
            && TryNumber(text.Slice(1, 2), out int day) && TryMonth(text.Slice(4, 3), out int month) && TryNumber(text.Slice(8, 4), out int year)
            && TryTime(text.Slice(13, 8), out int second) && TryJoin(year, month, day, second, out unixSeconds);
    }

    /// <summary>Behind the comma: <c> 06-Nov-94 08:49:37 GMT</c>.</summary>
    private static bool TryParseRfc850(ReadOnlySpan<byte> text, int currentYear, out long unixSeconds)
    {
        unixSeconds = 0;
        bool wellFormed = text.Length == 23 && text[0] == ' ' && text[3] == '-' && text[7] == '-' && text[10] == ' '
            && text[19..].SequenceEqual(" GMT"u8);
        if (!wellFormed || !TryNumber(text.Slice(1, 2), out int day) || !TryMonth(text.Slice(4, 3), out int month)
            || !TryNumber(text.Slice(8, 2), out int year) || !TryTime(text.Slice(11, 8), out int second)) return false;
        year += currentYear / 100 * 100;
        if (year > currentYear + 50) year -= 100;
        return TryJoin(year, month, day, second, out unixSeconds);
    }

    /// <summary><c>Sun Nov  6 08:49:37 1994</c>.</summary>
    private static bool TryParseAsctime(ReadOnlySpan<byte> text, out long unixSeconds)
    {
        unixSeconds = 0;
        bool wellFormed = text.Length == 24 && IsDay(text[..3], full: false) && text[3] == ' ' && text[7] == ' ' && text[10] == ' ' && text[19] == ' ';
        if (!wellFormed) return false;
        ReadOnlySpan<byte> digits = text[8] == ' ' ? text.Slice(9, 1) : text.Slice(8, 2);
        return TryMonth(text.Slice(4, 3), out int month) && TryNumber(digits, out int day) && TryTime(text.Slice(11, 8), out int second)
            && TryNumber(text.Slice(20, 4), out int year) && TryJoin(year, month, day, second, out unixSeconds);
    }

    private static bool IsDay(ReadOnlySpan<byte> text, bool full)
    {
        ReadOnlySpan<byte> days = "Sunday,Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,"u8;
        while (!days.IsEmpty)
        {
            int comma = days.IndexOf((byte)',');
            if (text.SequenceEqual(full ? days[..comma] : days[..3])) return true;
            days = days[(comma + 1)..];
        }

        return false;
    }

    private static bool TryMonth(ReadOnlySpan<byte> text, out int month)
    {
        int at = "JanFebMarAprMayJunJulAugSepOctNovDec"u8.IndexOf(text);
        month = at / 3 + 1;
        return at >= 0 && at % 3 == 0;
    }

    private static bool TryNumber(ReadOnlySpan<byte> digits, out int value) =>
        Utf8Parser.TryParse(digits, out value, out int used) && used == digits.Length && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9');

    /// <summary><c>08:49:37</c> as seconds of the day; 60 is a leap second.</summary>
    private static bool TryTime(ReadOnlySpan<byte> text, out int secondOfDay)
    {
        secondOfDay = 0;
        if (text[2] != ':' || text[5] != ':' || !TryNumber(text[..2], out int hour) || !TryNumber(text.Slice(3, 2), out int minute)
            || !TryNumber(text[6..], out int second) || hour > 23 || minute > 59 || second > 60) return false;
        secondOfDay = hour * 3600 + minute * 60 + second;
        return true;
    }

    private static bool TryJoin(int year, int month, int day, int secondOfDay, out long unixSeconds)
    {
        unixSeconds = 0;
        if (year is < 1 or > 9998 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        unixSeconds = new DateTimeOffset(year, month, day, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds() + secondOfDay;
        return true;
    }
}
