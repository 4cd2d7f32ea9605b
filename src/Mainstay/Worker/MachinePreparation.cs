using Mainstay.Core.Config;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Worker;

/// <summary>
/// What the worker does with the keeper's rights before it gives them up: directories and files that it will write as its own user.
/// Errors are for the user who starts the program, complete, one line each.
/// </summary>
internal static class MachinePreparation
{
    /// <summary>Makes ready and, when started as root, becomes the configured user for good.</summary>
    public static IReadOnlyList<string> Run(Snapshot snapshot)
    {
        var errors = new List<string>();
        UserAccount? account = null;
        string user = snapshot.Process.User;
        if (Credentials.IsRoot)
        {
            if (Credentials.TryFindUser(user, out UserAccount found)) account = found;
            else errors.Add($"process.user: this machine has no user '{user}'; create it with 'useradd --system {user}' or name another");
        }

        CreateDirectory(snapshot.Process.StateDirectory, "process.state-directory", account, errors);
        // The keeper binds there, so it stays the keeper's.
        CreateDirectory(Path.GetDirectoryName(snapshot.Admin.Socket) ?? "/", "admin.socket", null, errors);
        CreateAccessLog(snapshot.AccessLog, account, errors);
        if (errors.Count > 0) return errors;
        if (account is { } own) Credentials.Become(own);
        CheckWritable(snapshot.Process.StateDirectory, account?.Name, errors);
        return errors;
    }

    private static void CreateDirectory(string path, string option, UserAccount? owner, List<string> errors)
    {
        try
        {
            if (Directory.Exists(path)) return;
            const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
            Directory.CreateDirectory(path, mode);
            if (owner is { } user) Give(path, option, user, errors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{option}: cannot create the directory {path}: {Reason(e)}");
        }
    }

    private static void CreateAccessLog(AccessLogSnapshot log, UserAccount? owner, List<string> errors)
    {
        if (!log.IsFile) return;
        try
        {
            if (!File.Exists(log.Target))
            {
                var options = new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
                };
                File.Open(log.Target, options).Dispose();
            }

            // Devices (/dev/null) stay whose they are; a file that a log rotation made anew becomes the worker's.
            bool isPlain = (File.GetAttributes(log.Target) & (FileAttributes.Device | FileAttributes.ReparsePoint)) == 0;
            if (owner is { } user && isPlain) Give(log.Target, "access-log", user, errors);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"access-log: cannot create {log.Target}: {Reason(e)}");
        }
    }

    private static void Give(string path, string option, UserAccount owner, List<string> errors)
    {
        Errno error = Credentials.GiveTo(path, owner);
        if (error != Errno.None) errors.Add($"{option}: cannot give {path} to user {owner.Name}: {error.Describe()}");
    }

    private static void CheckWritable(string directory, string? user, List<string> errors)
    {
        string probe = Path.Combine(directory, $".probe-{Environment.ProcessId}");
        try
        {
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            string remedy = user is null ? "" : $"; 'chown {user} {directory}' lets the worker write there";
            errors.Add($"process.state-directory: cannot write in {directory}: {Reason(e)}{remedy}");
        }
    }

    private static string Reason(Exception e) => e is UnauthorizedAccessException ? "permission denied" : e.Message;
}
