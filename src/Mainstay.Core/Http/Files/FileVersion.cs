using System.Text;

namespace Mainstay.Core.Http.Files;

/// <summary>
/// What tells one content of a file from another. The inode does not count: two machines with copies of one tree are to give the same tags.
/// </summary>
/// <param name="Size">Bytes.</param>
/// <param name="ModifiedNanoseconds">Since 1970.</param>
public readonly record struct FileVersion(long Size, long ModifiedNanoseconds)
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>
    /// A file changed so recently may change again without its time or size showing it: Last-Modified counts whole seconds (RFC 9110 section
    /// 8.8.2.2), and file systems count time in ticks of up to 2 s (FAT).
    /// </summary>
    public const long UnsettledNanoseconds = 2 * NanosecondsPerSecond;

    /// <summary>Rounded down, as Last-Modified says it.</summary>
    public long ModifiedSeconds => Math.DivRem(ModifiedNanoseconds, NanosecondsPerSecond, out long rest) - (rest < 0 ? 1 : 0);

    /// <summary>The validators are strong (RFC 9110 section 8.8.1) for somebody who looks now.</summary>
    public bool IsSettled(long nowUnixNanoseconds) => nowUnixNanoseconds - ModifiedNanoseconds >= UnsettledNanoseconds;

    /// <summary>The opaque tag with its quotes.</summary>
    /// <param name="coding">Of a representation other than the file itself, so that its tag is another one: "br"; else empty.</param>
    public byte[] EntityTag(string coding) =>
        Encoding.ASCII.GetBytes(coding.Length == 0 ? $"\"{ModifiedNanoseconds:x}-{Size:x}\"" : $"\"{ModifiedNanoseconds:x}-{Size:x}-{coding}\"");
}
