using System.Buffers.Text;
using System.Text;

namespace Mainstay.Core.Logging;

/// <summary>What part of a system a message is from (RFC 5424 section 6.2.1, table 1).</summary>
public enum SyslogFacility
{
    User = 1,
    Daemon = 3,
    Local0 = 16,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

/// <summary>RFC 5424 section 6.2.1, table 2.</summary>
public enum SyslogSeverity
{
    Error = 3,
    Warning,
    Notice,
    Info,
    Debug,
}

/// <summary>Writes messages as syslog collectors take them (RFC 5424); over a stream each with its length in front (RFC 6587 section 3.4.1).</summary>
public sealed class SyslogMessage
{
    /// <summary>Bytes around a line at most: length, header with the longest names, time.</summary>
    public const int Overhead = 512;

    /// <summary>RFC 5424 section 6: lengths of HOSTNAME and APP-NAME.</summary>
    private const int LongestHostName = 255, LongestApplication = 48;

    private readonly byte[] _priority;
    private readonly byte[] _origin;

    /// <param name="processId">PROCID of each message.</param>
    public SyslogMessage(SyslogFacility facility, SyslogSeverity severity, string host, string application, int processId)
    {
        _priority = Encoding.ASCII.GetBytes($"<{(int)facility * 8 + (int)severity}>1 ");
        _origin = Encoding.ASCII.GetBytes($" {Printable(host, LongestHostName)} {Printable(application, LongestApplication)} {processId} access - ");
    }

    /// <param name="line">Without its line end.</param>
    /// <param name="withLength">For a stream: the octet count in front.</param>
    /// <returns>Its length, or -1 when the destination is too small (line and <see cref="Overhead"/> are enough).</returns>
    public int Write(Span<byte> destination, ReadOnlySpan<byte> line, DateTime utc, bool withLength)
    {
        const int timeLength = 27;
        int length = _priority.Length + timeLength + _origin.Length + line.Length;
        int start = 0;
        if (withLength)
        {
            if (!Utf8Formatter.TryFormat(length, destination, out start) || start >= destination.Length) return -1;
            destination[start++] = (byte)' ';
        }

        if (destination.Length - start < length) return -1;
        Span<byte> rest = destination[start..];
        _priority.CopyTo(rest);
        rest = rest[_priority.Length..];
        utc.TryFormat(rest, out _, "yyyy-MM-ddTHH:mm:ss.ffffffZ");
        rest = rest[timeLength..];
        _origin.CopyTo(rest);
        line.CopyTo(rest[_origin.Length..]);
        return start + length;
    }

    /// <summary>PRINTUSASCII without spaces; an empty value is a dash.</summary>
    private static string Printable(string text, int longest)
    {
        string printable = string.Concat(text.Where(c => c is > ' ' and < (char)127).Take(longest));
        return printable.Length == 0 ? "-" : printable;
    }
}
