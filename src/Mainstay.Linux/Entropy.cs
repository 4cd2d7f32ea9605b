namespace Mainstay.Linux;

/// <summary>
/// Random bytes from the kernel (getrandom(2)). Not the runtime's RandomNumberGenerator: that one goes through OpenSSL, and ends the process
/// on a machine without it, where nothing but TLS is to be missing.
/// </summary>
public static unsafe class Entropy
{
    public static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        Fill(bytes);
        return bytes;
    }

    public static void Fill(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int filled;
            fixed (byte* start = bytes) filled = Libc.Result(Libc.GetRandom(start, (nuint)bytes.Length, 0));
            if (filled == -(int)Errno.EINTR) continue;
            if (filled <= 0) throw new InvalidOperationException($"getrandom: {((Errno)(-filled)).Describe()}");
            bytes = bytes[filled..];
        }
    }

    public static ulong UInt64() => BitConverter.ToUInt64(Bytes(sizeof(ulong)));

    public static ushort UInt16() => BitConverter.ToUInt16(Bytes(sizeof(ushort)));
}
