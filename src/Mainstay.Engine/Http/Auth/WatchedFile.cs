namespace Mainstay.Engine.Http.Auth;

/// <summary>A file that is read again when it has changed: another time, length or file of that name.</summary>
internal sealed class WatchedFile(string path, int maxBytes)
{
    private (DateTime Time, long Length) _seen;

    public string Path => path;

    /// <summary>True when the content is new; false with null when nothing has changed, else with why it cannot be read.</summary>
    public bool TryRead(out string content, out string? problem)
    {
        content = "";
        problem = null;
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                problem = "there is no such file";
                return false;
            }

            (DateTime, long) now = (file.LastWriteTimeUtc, file.Length);
            if (now == _seen) return false;
            if (file.Length > maxBytes)
            {
                problem = $"is larger than {maxBytes} bytes";
                return false;
            }

            content = File.ReadAllText(path);
            _seen = now;
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            problem = $"{error.Message} (the worker's user has to be able to read it)";
            return false;
        }
    }
}
