using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>
/// What all TLS connections of one thread have in common: OpenSSL receives through it directly from the socket, and what it wants to send
/// is gathered in one buffer, so that any number of records goes out in one call and OpenSSL never waits to write. One BIO serves all
/// connections of the thread: only one of them is inside OpenSSL at a time.
/// </summary>
public sealed unsafe class TlsTransport : IDisposable
{
    /// <summary>Plaintext sealed at once at most: records of 16 KiB with 22 to 29 bytes more each have to fit.</summary>
    internal const int LargestWrite = 256 * 1024;

    private const int Capacity = LargestWrite + (LargestWrite / 16 / 1024 * 64) + (32 * 1024);

    private static readonly nint s_method = LibSsl.Missing is null ? CreateMethod() : 0;

    private Wire* _wire;

    public TlsTransport()
    {
        if (LibSsl.Missing is { } missing) throw new InvalidOperationException(missing);
        _wire = (Wire*)NativeMemory.AllocZeroed((nuint)sizeof(Wire));
        _wire->Output = (byte*)NativeMemory.AlignedAlloc(Capacity, 64);
        Bio = LibSsl.BioNew(s_method);
        LibSsl.BioSetData(Bio, _wire);
        LibSsl.BioSetInit(Bio, 1);
    }

    internal nint Bio { get; }

    /// <summary>Sealed bytes that OpenSSL wants sent, in order.</summary>
    public ReadOnlySpan<byte> Output => new(_wire->Output, _wire->OutputLength);

    public void ClearOutput() => _wire->OutputLength = 0;

    internal ref Wire State => ref *_wire;

    /// <summary>After the last connection of the thread.</summary>
    public void Dispose()
    {
        if (_wire == null) return;
        _ = LibSsl.BioFree(Bio);
        NativeMemory.AlignedFree(_wire->Output);
        NativeMemory.Free(_wire);
        _wire = null;
    }

    /// <summary>Of the connection that is inside OpenSSL now.</summary>
    internal struct Wire
    {
        public int Descriptor;

        /// <summary>The last receive took all that was there, and no event has said otherwise since.</summary>
        public bool IsDrained;

        /// <summary>A short receive does not mean "drained": an end or an error is behind it.</summary>
        public bool PeerEnded;

        /// <summary>The peer has ended the TCP stream.</summary>
        public bool AtEnd;

        /// <summary>The error of the receive that failed.</summary>
        public Errno Error;
        public byte* Output;
        public int OutputLength;
    }

    private static nint CreateMethod()
    {
        nint method = LibSsl.BioMethodNew(LibSsl.BioNewIndex() | LibSsl.BioSourceSink, "mainstay");
        delegate* unmanaged[Cdecl]<nint, byte*, int, int> read = &Read, write = &Write;
        delegate* unmanaged[Cdecl]<nint, int, nint, void*, nint> control = &Control;
        _ = LibSsl.BioMethodSetRead(method, read);
        _ = LibSsl.BioMethodSetWrite(method, write);
        _ = LibSsl.BioMethodSetControl(method, control);
        return method;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(nint bio, byte* buffer, int length)
    {
        var wire = (Wire*)LibSsl.BioData(bio);
        LibSsl.BioClearFlags(bio, LibSsl.BioRead | LibSsl.BioWrite | LibSsl.BioSpecial | LibSsl.BioRetry);
        int count = wire->IsDrained ? -(int)Errno.EAGAIN : Libc.Receive(wire->Descriptor, buffer, (nuint)length, 0);
        if (count > 0)
        {
            wire->IsDrained = count < length && !wire->PeerEnded;
            return count;
        }

        if (count == 0)
        {
            wire->AtEnd = true;
            return 0;
        }

        if (count == -(int)Errno.EAGAIN)
        {
            wire->IsDrained = true;
            LibSsl.BioSetFlags(bio, LibSsl.BioRead | LibSsl.BioRetry);
        }
        else
        {
            wire->Error = (Errno)(-count);
        }

        return -1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(nint bio, byte* buffer, int length)
    {
        var wire = (Wire*)LibSsl.BioData(bio);
        LibSsl.BioClearFlags(bio, LibSsl.BioRead | LibSsl.BioWrite | LibSsl.BioSpecial | LibSsl.BioRetry);
        if (length > Capacity - wire->OutputLength) return -1;
        Unsafe.CopyBlockUnaligned(wire->Output + wire->OutputLength, buffer, (uint)length);
        wire->OutputLength += length;
        return length;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Control(nint bio, int command, nint number, void* pointer) => command == LibSsl.BioFlush ? 1 : 0;
}
