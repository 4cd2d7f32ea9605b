namespace Mainstay.Configuration;

/// <summary>Reads files that should be small: a device or a log named by mistake must not fill the memory.</summary>
internal static class BoundedFile
{
    /// <summary>The file's bytes, at most <paramref name="limit"/> of them.</summary>
    public static byte[] Read(string path, int limit)
    {
        // FileStream opens pipes and devices too; a pipe (process substitution) is read to its end.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        using var content = new MemoryStream();
        byte[] chunk = new byte[16 * 1024];
        while (content.Length < limit)
        {
            int count = file.Read(chunk, 0, (int)Math.Min(chunk.Length, limit - content.Length));
            if (count == 0) break;
            content.Write(chunk, 0, count);
        }

        return content.ToArray();
    }

    /// <summary>Why a file could not be read, in the words of an operator.</summary>
    public static string Reason(Exception problem, string path) => problem switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file",
        UnauthorizedAccessException when Directory.Exists(path) => "it is a directory",
        UnauthorizedAccessException => "permission denied",
        _ => problem.Message.ReplaceLineEndings(" "),
    };
}
