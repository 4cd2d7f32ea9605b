using System.Buffers.Binary;

namespace Mainstay.Core.Http;

/// <summary>
/// The methods that the proxy treats differently; every other token is <see cref="Other"/> and forwarded as it is.
/// </summary>
public enum RequestMethod : byte
{
    Other,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Patch,
    Connect,
    Trace,
}

public static class RequestMethods
{
    /// <summary>May be sent again when its outcome is unknown (RFC 9110 section 9.2.2).</summary>
    public static bool IsIdempotent(this RequestMethod method) => method
        is RequestMethod.Get or RequestMethod.Head or RequestMethod.Put or RequestMethod.Delete
        or RequestMethod.Options or RequestMethod.Trace;

    /// <summary>Methods are case-sensitive (RFC 9110 section 9.1): "get" is <see cref="RequestMethod.Other"/>.</summary>
    public static RequestMethod Parse(ReadOnlySpan<byte> name) => name.Length switch
    {
        3 => name.SequenceEqual("GET"u8) ? RequestMethod.Get : name.SequenceEqual("PUT"u8) ? RequestMethod.Put : RequestMethod.Other,
        4 => BinaryPrimitives.ReadUInt32BigEndian(name) switch
        {
            0x48454144 => RequestMethod.Head,
            0x504F5354 => RequestMethod.Post,
            _ => RequestMethod.Other,
        },
        5 => name.SequenceEqual("PATCH"u8) ? RequestMethod.Patch
            : name.SequenceEqual("TRACE"u8) ? RequestMethod.Trace : RequestMethod.Other,
        6 => name.SequenceEqual("DELETE"u8) ? RequestMethod.Delete : RequestMethod.Other,
        7 => name.SequenceEqual("OPTIONS"u8) ? RequestMethod.Options
            : name.SequenceEqual("CONNECT"u8) ? RequestMethod.Connect : RequestMethod.Other,
        _ => RequestMethod.Other,
    };
}
