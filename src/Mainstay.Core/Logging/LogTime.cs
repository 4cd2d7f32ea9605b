using Mainstay.Core.Http;

namespace Mainstay.Core.Logging;

/// <summary>Times as log lines have them; microseconds since 1970 UTC.</summary>
internal static class LogTime
{
    private static ReadOnlySpan<byte> MonthNames => "JanFebMarAprMayJunJulAugSepOctNovDec"u8;

    /// <summary>2026-01-31T12:34:56.123456Z</summary>
    public static void WriteIso(ref HeadBuffer buffer, long unixMicroseconds)
    {
        Span<byte> room = buffer.Reserve(27);
        if (room.IsEmpty) return;
        DateTime time = DateTime.UnixEpoch.AddTicks(unixMicroseconds * TimeSpan.TicksPerMicrosecond);
        time.Deconstruct(out int year, out int month, out int day);
        "0000-00-00T00:00:00.000000Z"u8.CopyTo(room);
        WriteDigits(room, 0, 4, year);
        WriteDigits(room, 5, 2, month);
        WriteDigits(room, 8, 2, day);
        WriteClock(room[11..], time);
        WriteDigits(room, 20, 6, (int)(unixMicroseconds % 1_000_000));
    }

    /// <summary>31/Jan/2026:12:34:56 +0000</summary>
    public static void WriteClf(ref HeadBuffer buffer, long unixMicroseconds)
    {
        Span<byte> room = buffer.Reserve(26);
        if (room.IsEmpty) return;
        DateTime time = DateTime.UnixEpoch.AddTicks(unixMicroseconds * TimeSpan.TicksPerMicrosecond);
        time.Deconstruct(out int year, out int month, out int day);
        "00/Xxx/0000:00:00:00 +0000"u8.CopyTo(room);
        WriteDigits(room, 0, 2, day);
        MonthNames.Slice(3 * (month - 1), 3).CopyTo(room[3..]);
        WriteDigits(room, 7, 4, year);
        WriteClock(room[12..], time);
    }

    /// <summary>Into a text of the form 00:00:00.</summary>
    private static void WriteClock(Span<byte> room, DateTime time)
    {
        int seconds = (int)(time.TimeOfDay.Ticks / TimeSpan.TicksPerSecond);
        WriteDigits(room, 0, 2, seconds / 3600);
        WriteDigits(room, 3, 2, seconds / 60 % 60);
        WriteDigits(room, 6, 2, seconds % 60);
    }

    private static void WriteDigits(Span<byte> room, int at, int count, int value)
    {
        for (int i = at + count - 1; i >= at; i--, value /= 10) room[i] = (byte)('0' + value % 10);
    }
}
