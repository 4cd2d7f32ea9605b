using System.Runtime.CompilerServices;
using System.Text;

namespace Mainstay.Core.Tests.Http;

/// <summary>
/// Stories of one head going in ("> ") and another coming out ("&lt; "), kept in testdata. With MAINSTAY_REWRITE=1
/// in the environment the files are rewritten with what comes out now; the difference is then for review.
/// </summary>
internal static class Transcript
{
    public static void Check(string file, Func<string[], byte[], byte[]> rewrite, [CallerFilePath] string caller = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(caller)!, "testdata", file);
        string before = File.ReadAllText(path);
        string now = string.Join("\n\n", before.Trim().Split("\n\n").Select(story => Play(story, rewrite))) + "\n";
        if (Environment.GetEnvironmentVariable("MAINSTAY_REWRITE") == "1") File.WriteAllText(path, now);
        else Assert.Equal(before, now);
    }

    private static string Play(string story, Func<string[], byte[], byte[]> rewrite)
    {
        string[] lines = story.Split('\n');
        string[] input = [.. lines.Where(line => line.StartsWith("> ", StringComparison.Ordinal)).Select(line => line[2..])];
        byte[] output = rewrite(lines[1].Split(' '), Encoding.Latin1.GetBytes(string.Join("\r\n", input) + "\r\n\r\n"));
        string text = Encoding.Latin1.GetString(output);
        Assert.EndsWith("\r\n\r\n", text);
        IEnumerable<string> written = text[..^4].Split("\r\n").Select(line => "< " + line);
        return string.Join('\n', lines.Where(line => !line.StartsWith('<')).Concat(written));
    }
}
