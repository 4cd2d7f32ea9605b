using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Mainstay.Core.Http;

/// <summary>
/// What 32 bytes of a head hold, one bit a byte: the line structure is checked on these masks instead of byte by byte.
/// </summary>
internal readonly ref struct HeadBlock
{
    public const int Size = 32;

    /// <summary>CR bytes.</summary>
    public readonly uint Cr;

    /// <summary>LF bytes.</summary>
    public readonly uint Lf;

    /// <summary>Controls other than CR, LF and HTAB, and DEL: allowed nowhere in a head.</summary>
    public readonly uint Control;

    private HeadBlock(Vector256<byte> bytes, int shift)
    {
        Vector256<byte> cr = Vector256.Equals(bytes, Vector256.Create((byte)'\r'));
        Vector256<byte> lf = Vector256.Equals(bytes, Vector256.Create((byte)'\n'));
        Vector256<byte> tab = Vector256.Equals(bytes, Vector256.Create((byte)'\t'));
        Vector256<byte> low = Vector256.LessThan(bytes, Vector256.Create((byte)0x20));
        Vector256<byte> del = Vector256.Equals(bytes, Vector256.Create((byte)0x7F));
        Cr = cr.ExtractMostSignificantBits() >> shift;
        Lf = lf.ExtractMostSignificantBits() >> shift;
        Control = (Vector256.AndNot(low, cr | lf | tab) | del).ExtractMostSignificantBits() >> shift;
    }

    /// <summary>The block at <paramref name="at"/>, cut off at <paramref name="end"/>: bits behind it are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static HeadBlock Load(ReadOnlySpan<byte> bytes, int at, int end)
    {
        if (end - at >= Size) return new HeadBlock(Vector256.Create(bytes.Slice(at, Size)), 0);
        return LoadTail(bytes, at, end);
    }

    private static HeadBlock LoadTail(ReadOnlySpan<byte> bytes, int at, int end)
    {
        // The last 32 bytes before the end, shifted so that bit 0 is the byte at `at`.
        if (end >= Size) return new HeadBlock(Vector256.Create(bytes.Slice(end - Size, Size)), Size - (end - at));
        Span<byte> padded = stackalloc byte[Size];
        padded.Fill((byte)' ');
        bytes[at..end].CopyTo(padded);
        return new HeadBlock(Vector256.Create((ReadOnlySpan<byte>)padded), 0);
    }

    /// <summary>Bytes that break the line structure, given whether the byte before the block was a CR.</summary>
    public uint Broken(uint crBefore) => (Lf ^ ((Cr << 1) | crBefore)) | Control;

    /// <summary>Whether the last byte of a whole block is a CR, as the next block's crBefore.</summary>
    public uint CrCarry => Cr >> (Size - 1);

    /// <summary>Names the break at a position that <see cref="Broken"/> reported.</summary>
    public static RejectReason Explain(ReadOnlySpan<byte> bytes, int at)
    {
        bool afterCr = at > 0 && bytes[at - 1] == '\r';
        if (afterCr) return RejectReason.BareCr;
        return bytes[at] == '\n' ? RejectReason.BareLf : RejectReason.ControlByte;
    }
}
