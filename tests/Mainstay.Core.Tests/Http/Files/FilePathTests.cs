using System.Text;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Files;

namespace Mainstay.Core.Tests.Http.Files;

public class FilePathTests
{
    [Theory]
    [InlineData("/", "", true)]
    [InlineData("/a", "a", false)]
    [InlineData("/a/b.txt", "a/b.txt", false)]
    [InlineData("/a/b/", "a/b", true)]
    [InlineData("/a%20b", "a b", false)]
    [InlineData("/100%25", "100%", false)]
    [InlineData("/%252e%252e/x", "%2e%2e/x", false)] // names with a percent sign, no way up
    [InlineData("/a/../b", "b", false)]
    [InlineData("//a///b", "a/b", false)]
    [InlineData("/a/./b/..", "a", true)]
    [InlineData("/%E2%82%AC", "\u20ac", false)]
    [InlineData("/.well-known/acme-challenge/x", ".well-known/acme-challenge/x", false)]
    [InlineData("/a...", "a...", false)]
    [InlineData("/a..b/c", "a..b/c", false)]
    public void TryResolve_APath_IsTheNameBelowTheRoot(string path, string expected, bool isDirectory)
    {
        Assert.True(TryResolve(path, false, out string name, out bool directory, out RejectReason reason), $"{reason}");
        Assert.Equal((expected, isDirectory), (name, directory));
    }

    [Theory]
    [InlineData("/.git/config", RejectReason.HiddenFile)]
    [InlineData("/a/.htpasswd", RejectReason.HiddenFile)]
    [InlineData("/%2egit", RejectReason.HiddenFile)]
    [InlineData("/a/.well-known/x", RejectReason.HiddenFile)]
    [InlineData("/.well-known2", RejectReason.HiddenFile)]
    [InlineData("/...", RejectReason.HiddenFile)]
    [InlineData("/..", RejectReason.AmbiguousPath)]
    [InlineData("/%2e%2e/etc/passwd", RejectReason.AmbiguousPath)]
    [InlineData("/a/..%2f..%2fetc", RejectReason.AmbiguousPath)]
    [InlineData("/a%2fb", RejectReason.SeparatorInName)]
    [InlineData("/a%5cb", RejectReason.SeparatorInName)]
    [InlineData("/a%00b", RejectReason.InvalidPathEncoding)]
    [InlineData("/a%zzb", RejectReason.InvalidPathEncoding)]
    [InlineData("/a%0ab", RejectReason.ControlInName)]
    [InlineData("/a%7fb", RejectReason.ControlInName)]
    [InlineData("/%c0%ae%c0%ae/x", RejectReason.NameNotUtf8)] // overlong dots
    [InlineData("/%c0%af", RejectReason.NameNotUtf8)]         // overlong slash
    [InlineData("/%e0%80%ae", RejectReason.NameNotUtf8)]
    [InlineData("/%ff", RejectReason.NameNotUtf8)]
    [InlineData("/%ed%a0%80", RejectReason.NameNotUtf8)]      // half a surrogate pair
    [InlineData("*", RejectReason.InvalidTarget)]
    public void TryResolve_WhatIsNeverServed_IsRefused(string path, RejectReason expected)
    {
        Assert.False(TryResolve(path, false, out _, out _, out RejectReason reason));
        Assert.Equal(expected, reason);
    }

    [Fact]
    public void TryResolve_Lengths_AreThoseOfTheKernel()
    {
        Assert.True(TryResolve("/" + new string('a', 251), false, out _, out _, out _));
        Assert.False(TryResolve("/" + new string('a', 252), false, out _, out _, out RejectReason reason));
        Assert.Equal(RejectReason.FilePathTooLong, reason);
        Assert.False(TryResolve(string.Concat(Enumerable.Repeat("/abcdefghi", 400)), false, out _, out _, out reason));
        Assert.Equal(RejectReason.FilePathTooLong, reason);
    }

    [Fact]
    public void TryResolve_HiddenAllowed_ServesThemButNoDotSegment()
    {
        Assert.True(TryResolve("/.git/config", true, out string name, out _, out _));
        Assert.Equal(".git/config", name);
        Assert.False(FilePath.TryResolve("/a/../b"u8, true, new byte[100], out _, out _, out RejectReason reason));
        Assert.Equal(RejectReason.AmbiguousPath, reason);
    }

    [Theory]
    [InlineData("/images/a", "/images", "/a")]
    [InlineData("/images/", "/images", "/")]
    [InlineData("/images", "/images", "/")]
    [InlineData("/imagesque", "/images", "/imagesque")]
    [InlineData("/other", "/images", "/other")]
    [InlineData("/a", "", "/a")]
    [InlineData("/", "", "/")]
    public void WithoutPrefix_TakesWholeSegmentsOnly(string path, string prefix, string expected) =>
        Assert.Equal(expected, Encoding.UTF8.GetString(FilePath.WithoutPrefix(Encoding.UTF8.GetBytes(path), Encoding.UTF8.GetBytes(prefix))));

    /// <summary>Whatever is thrown at it: what it lets through is a name below the root by any reading.</summary>
    [Fact]
    public void TryResolve_DamagedPaths_NeverNameAnythingOutside()
    {
        var random = new Random(3);
        string[] pieces =
        [
            "/", "/", "..", ".", "%2e", "%2E", "%2f", "%5c", "\\", "%25", "%252e", "%00", "a", "b c", "%c0%ae", "%ff", ";", "%", "%0d", "\u00e9", "~",
            "etc", "passwd", ".git", "//", "%u002e",
        ];
        int passed = 0;
        for (int i = 0; i < 100_000; i++)
        {
            string path = "/" + string.Concat(Enumerable.Range(0, random.Next(10)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (!TryResolve(path, random.Next(2) == 0, out string name, out _, out _)) continue;
            passed++;
            Assert.False(name.StartsWith('/') || name.EndsWith('/') || name.Contains("//") || name.Contains('\\') || name.Any(char.IsControl), path);
            Assert.DoesNotContain(name.Split('/'), segment => segment is "." or "..");
            Assert.StartsWith("/root", Path.GetFullPath(Path.Combine("/root", name)));
        }

        Assert.InRange(passed, 1000, 99_000);
    }

    private static bool TryResolve(string path, bool hidden, out string name, out bool isDirectory, out RejectReason reason)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(path), scratch = new byte[8192], output = new byte[8192];
        name = "";
        isDirectory = false;
        if (!PathNormalizer.TryNormalize(bytes, scratch, out ReadOnlySpan<byte> normalized, out reason)) return false;
        bool resolved = FilePath.TryResolve(normalized, hidden, output, out int length, out isDirectory, out reason);
        name = Encoding.UTF8.GetString(output, 0, length);
        return resolved;
    }
}
