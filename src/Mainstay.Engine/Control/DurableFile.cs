using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Control;

/// <summary>Writes small state files so that a crash at any moment leaves the old content or the new one.</summary>
public static class DurableFile
{
    /// <summary>Beside itself, synced, then renamed. Null when it is on the disk; else why not.</summary>
    public static string? Write(string path, ReadOnlySpan<byte> content)
    {
        string beside = $"{path}.{Environment.ProcessId}.new";
        try
        {
            using (FileStream file = File.Create(beside))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, path, overwrite: true);
            SyncDirectory(path);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"{path} cannot be written: {e.Message}";
        }
    }

    /// <summary>Until the directory is on the disk too, the rename can be undone by a loss of power.</summary>
    private static void SyncDirectory(string path)
    {
        int fd = Files.OpenToRead(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
        if (fd < 0) return;
        _ = Descriptor.Sync(fd);
        Descriptor.Close(fd);
    }
}
