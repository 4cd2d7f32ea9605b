using System.Runtime.InteropServices;

namespace Mainstay.Linux.Compression;

/// <summary>
/// Brotli (RFC 7932) by the encoder that is part of the runtime, by its own interface: the runtime's wrapper allocates a handle for every stream.
/// The library has no reset; a new state for the next stream comes from memory that the last one gave back.
/// </summary>
public sealed unsafe partial class BrotliStreamEncoder(int quality) : ContentEncoder
{
    private const string Library = "libSystem.IO.Compression.Native";

    /// <summary>256 KiB: pages are seldom longer, and a state takes some five times its window.</summary>
    private const int WindowBits = 18;

    private const int ParameterMode = 0, ParameterQuality = 1, ParameterWindow = 2;
    private const int ModeText = 1;

    private void* _state = Create(quality);

    ~BrotliStreamEncoder() => Free();

    public override bool Encode(ReadOnlySpan<byte> input, Span<byte> output, EncodeStep step, out int consumed, out int written)
    {
        fixed (byte* from = input)
        fixed (byte* to = output)
        {
            nuint availableIn = (nuint)input.Length, availableOut = (nuint)output.Length;
            byte* nextIn = from;
            byte* nextOut = to;

            // The steps are numbered as the library numbers its operations.
            _ = CompressStream(_state, (int)step, &availableIn, &nextIn, &availableOut, &nextOut, null);
            consumed = input.Length - (int)availableIn;
            written = output.Length - (int)availableOut;
            return availableIn == 0 && HasMoreOutput(_state) == 0;
        }
    }

    public override void Reset()
    {
        Free();
        _state = Create(quality);
    }

    public override void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static void* Create(int quality)
    {
        void* state = CreateInstance(null, null, null);
        if (state == null) throw new InvalidOperationException("BrotliEncoderCreateInstance: no memory");
        _ = SetParameter(state, ParameterMode, ModeText);
        _ = SetParameter(state, ParameterQuality, (uint)quality);
        _ = SetParameter(state, ParameterWindow, WindowBits);
        return state;
    }

    private void Free()
    {
        if (_state == null) return;
        DestroyInstance(_state);
        _state = null;
    }

    [LibraryImport(Library, EntryPoint = "BrotliEncoderCreateInstance")]
    private static partial void* CreateInstance(void* allocate, void* free, void* opaque);

    [LibraryImport(Library, EntryPoint = "BrotliEncoderDestroyInstance")]
    private static partial void DestroyInstance(void* state);

    [LibraryImport(Library, EntryPoint = "BrotliEncoderSetParameter")]
    private static partial int SetParameter(void* state, int parameter, uint value);

    [LibraryImport(Library, EntryPoint = "BrotliEncoderCompressStream")]
    private static partial int CompressStream(
        void* state, int operation, nuint* availableIn, byte** nextIn, nuint* availableOut, byte** nextOut, nuint* totalOut);

    [LibraryImport(Library, EntryPoint = "BrotliEncoderHasMoreOutput")]
    private static partial int HasMoreOutput(void* state);
}
