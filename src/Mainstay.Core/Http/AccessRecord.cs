namespace Mainstay.Core.Http;

/// <summary>Durations of one request's phases in nanoseconds; -1 for a phase that was not reached.</summary>
/// <param name="Head">From the first byte of the request to the end of its head.</param>
/// <param name="Connect">Until a server's connection stood; about 0 for a pooled one.</param>
/// <param name="FirstByte">From the request sent to the first byte of the response.</param>
/// <param name="Total">From the first byte of the request to the end of the response.</param>
public readonly record struct AccessTimings(long Head, long Connect, long FirstByte, long Total);

/// <summary>One finished request as the access log tells it. Texts are bytes as received; empty means not known.</summary>
public readonly ref struct AccessRecord
{
    public AccessRecord()
    {
    }

    /// <summary>Wall clock at the request's end, in microseconds since 1970 UTC.</summary>
    public required long UnixMicroseconds { get; init; }

    /// <summary>The client's address as text.</summary>
    public required ReadOnlySpan<byte> Client { get; init; }
    public int ClientPort { get; init; }

    /// <summary>The request's head as received, for formats that name its fields.</summary>
    public ReadOnlySpan<byte> Head { get; init; }
    public ReadOnlySpan<byte> Method { get; init; }
    public ReadOnlySpan<byte> Target { get; init; }
    public ReadOnlySpan<byte> Host { get; init; }

    /// <summary>In place of method and target, where those were not understood: the request's first line as far as it came.</summary>
    public ReadOnlySpan<byte> RequestLine { get; init; }

    /// <summary>10, 11 or 20; for the request line of the combined format.</summary>
    public int Version { get; init; }

    public ReadOnlySpan<byte> VersionText => Version switch { 10 => "HTTP/1.0"u8, 20 => "HTTP/2.0"u8, _ => "HTTP/1.1"u8 };

    /// <summary>What the client was answered; 0 = nothing.</summary>
    public int Status { get; init; }

    /// <summary>Bytes of the request and of the response, heads included.</summary>
    public long BytesIn { get; init; }
    public long BytesOut { get; init; }

    public AccessTimings Timings { get; init; }
    public ReadOnlySpan<byte> Service { get; init; }
    public ReadOnlySpan<byte> Route { get; init; }
    public ReadOnlySpan<byte> Pool { get; init; }
    public ReadOnlySpan<byte> Server { get; init; }

    /// <summary>Servers that were tried.</summary>
    public int Attempts { get; init; }
    public Outcome Outcome { get; init; }

    /// <summary>Name of the system's error that a server's connection ended with, such as <c>ECONNREFUSED</c>, or why a TLS handshake failed.</summary>
    public ReadOnlySpan<byte> Error { get; init; }

    /// <summary>Nanoseconds that the server's connection had been open when this request took it; -1: none, or a new one.</summary>
    public long ConnectionAge { get; init; } = -1;
    public ReadOnlySpan<byte> RequestId { get; init; }
    public ReadOnlySpan<byte> UserAgent { get; init; }
    public ReadOnlySpan<byte> Referer { get; init; }
}
