using Mainstay.Core.Health;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Probing;

/// <summary>
/// The state file on disk. Written beside itself, synced, then renamed: a crash at any moment leaves the old file or the new one.
/// One call at a time.
/// </summary>
public sealed class HealthStateStore(string directory)
{
    public const string FileName = "health.json";

    private readonly string _path = Path.Combine(directory, FileName);

    /// <summary>A crash may leave a half-written file beside the real one; another worker's write takes no minute.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromMinutes(1);

    /// <summary>What was kept; empty when there is nothing or it is unusable. The note says what an operator should know, or is empty.</summary>
    public IReadOnlyList<KeptServer> Load(DateTimeOffset now, out string note)
    {
        note = "";
        byte[] bytes;
        try
        {
            RemoveAbandoned(now);
            var file = new FileInfo(_path);
            if (!file.Exists) return [];
            if (file.Length > HealthStateFile.MaxBytes)
            {
                note = $"{_path} is ignored: larger than {HealthStateFile.MaxBytes} bytes";
                return [];
            }

            bytes = File.ReadAllBytes(_path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            note = $"{_path} is ignored: {e.Message}";
            return [];
        }

        bool isUsable = HealthStateFile.TryRead(bytes, now, out IReadOnlyList<KeptServer> servers, out string reason);
        if (reason.Length > 0) note = isUsable ? $"{_path}: {reason}" : $"{_path} is ignored: {reason}";
        return servers;
    }

    /// <summary>Null when it is on the disk; else why not.</summary>
    public string? Save(IEnumerable<KeptServer> servers, DateTimeOffset now) => DurableFile.Write(_path, HealthStateFile.Write(servers, now));

    private void RemoveAbandoned(DateTimeOffset now)
    {
        if (!Directory.Exists(directory)) return;
        foreach (string path in Directory.GetFiles(directory, $"{FileName}.*.new"))
            if (now - File.GetLastWriteTimeUtc(path) > Abandoned)
                File.Delete(path);
    }
}
