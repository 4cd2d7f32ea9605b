using System.Runtime.InteropServices;

namespace Mainstay.Linux;

/// <summary>Bytes outside the managed heap, 64-byte aligned: the garbage collector neither moves nor counts them.</summary>
public sealed unsafe class NativeBuffer : IDisposable
{
    private byte* _start;

    public NativeBuffer(int length)
    {
        Length = length;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)length, 64);
    }

    ~NativeBuffer() => Free();

    public int Length { get; }

    public Span<byte> Span => new(_start, Length);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (_start == null) return;
        NativeMemory.AlignedFree(_start);
        _start = null;
    }
}
