using System.Runtime.InteropServices;

namespace Mainstay.Linux.Compression;

/// <summary>gzip (RFC 1952) by the system's zlib, whose state can be used again without allocating it anew.</summary>
public sealed unsafe partial class GzipEncoder : ContentEncoder
{
    private const string Library = "libz.so.1";
    private const int Deflated = 8, DefaultMemory = 8, DefaultStrategy = 0;

    /// <summary>A window of 32 KiB, and 16 for gzip's header and trailer.</summary>
    private const int GzipWindow = 15 + 16;

    private const int NoFlush = 0, SyncFlush = 2, FinishStream = 4;
    private const int StreamEnd = 1, BufferError = -5;

    /// <summary>struct z_stream of a 64-bit machine (zlib.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ZStream
    {
        public byte* NextIn;
        public uint AvailableIn;
        public nuint TotalIn;
        public byte* NextOut;
        public uint AvailableOut;
        public nuint TotalOut;
        public byte* Message;
        public void* State;
        public void* Allocate;
        public void* Free;
        public void* Opaque;
        public int DataType;
        public nuint Adler;
        public nuint Reserved;
    }

    private ZStream* _stream;

    /// <exception cref="InvalidOperationException">zlib is there but gives no state: memory has run out.</exception>
    public GzipEncoder(int level)
    {
        _stream = (ZStream*)NativeMemory.AllocZeroed((nuint)sizeof(ZStream));
        ReadOnlySpan<byte> version = "1.2.11\0"u8;
        fixed (byte* text = version)
        {
            int result = DeflateInit(_stream, level, Deflated, GzipWindow, DefaultMemory, DefaultStrategy, text, sizeof(ZStream));
            if (result == 0) return;
            Free();
            throw new InvalidOperationException($"deflateInit2: {result}");
        }
    }

    ~GzipEncoder() => Free();

    /// <summary>The library is on this machine.</summary>
    public static bool IsAvailable { get; } = NativeLibrary.TryLoad(Library, out _);

    public override bool Encode(ReadOnlySpan<byte> input, Span<byte> output, EncodeStep step, out int consumed, out int written)
    {
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            _stream->NextIn = from;
            _stream->AvailableIn = (uint)input.Length;
            _stream->NextOut = to;
            _stream->AvailableOut = (uint)output.Length;
            int result = Deflate(_stream, step switch { EncodeStep.Process => NoFlush, EncodeStep.Flush => SyncFlush, _ => FinishStream });
            consumed = input.Length - (int)_stream->AvailableIn;
            written = output.Length - (int)_stream->AvailableOut;

            // BufferError: there was nothing to do, a flush without anything since the last one.
            return step == EncodeStep.Finish ? result == StreamEnd : result == BufferError || _stream->AvailableOut > 0;
        }
    }

    public override void Reset() => _ = DeflateReset(_stream);

    public override void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_stream == null) return;
        _ = DeflateEnd(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }

    [LibraryImport(Library, EntryPoint = "deflateInit2_")]
    private static partial int DeflateInit(
        ZStream* stream, int level, int method, int windowBits, int memoryLevel, int strategy, byte* version, int size);

    [LibraryImport(Library, EntryPoint = "deflate")]
    private static partial int Deflate(ZStream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "deflateReset")]
    private static partial int DeflateReset(ZStream* stream);

    [LibraryImport(Library, EntryPoint = "deflateEnd")]
    private static partial int DeflateEnd(ZStream* stream);
}
