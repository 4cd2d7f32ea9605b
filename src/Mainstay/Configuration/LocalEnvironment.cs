using System.Text;
using Mainstay.Core.Config;
using Mainstay.Linux.Processes;

namespace Mainstay.Configuration;

/// <summary>The machine and user that a configuration is compiled for.</summary>
internal static class LocalEnvironment
{
    /// <summary>A secret is a line or a key, not a file of any size.</summary>
    private const int LargestSecret = 1024 * 1024;

    /// <summary>The system user that a package creates.</summary>
    private const string OwnUser = "mainstay";

    /// <param name="baseDirectory">Relative paths of secrets start here: where the configuration file is.</param>
    public static ConfigEnvironment Create(string baseDirectory)
    {
        var defaults = new ConfigEnvironment
        {
            HostName = ValidName(Environment.MachineName),
            User = Credentials.TryFindUser(OwnUser, out _) ? OwnUser : "nobody",
            Secrets = (SecretSource source, string name, out string value) => TryResolve(source, name, baseDirectory, out value),
        };
        if (Environment.IsPrivilegedProcess) return defaults;
        return defaults with
        {
            AdminSocket = Path.Combine(RuntimeDirectory(), "mainstay", "admin.sock"),
            StateDirectory = Path.Combine(StateHome(), "mainstay"),
        };
    }

    private static string ValidName(string hostName)
    {
        string name = string.Concat(hostName.Where(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')).TrimStart('.', '-', '_');
        return name.Length == 0 ? "localhost" : name[..Math.Min(name.Length, 64)];
    }

    /// <summary>XDG_RUNTIME_DIR is per user and not readable by others; without a login session there is only /tmp.</summary>
    private static string RuntimeDirectory() =>
        Absolute("XDG_RUNTIME_DIR") ?? Path.Combine("/tmp", $"mainstay-{ValidName(Environment.UserName)}");

    private static string StateHome() =>
        Absolute("XDG_STATE_HOME") ?? Path.Combine(Absolute("HOME") ?? "/tmp", ".local", "state");

    private static string? Absolute(string variable) =>
        Environment.GetEnvironmentVariable(variable) is ['/', ..] path ? path.TrimEnd('/') : null;

    private static bool TryResolve(SecretSource source, string name, string baseDirectory, out string value)
    {
        if (source == SecretSource.Environment)
        {
            string? found = Environment.GetEnvironmentVariable(name);
            value = found ?? $"the environment variable {name} is not set";
            return found is not null;
        }

        string path = Path.Combine(baseDirectory, name);
        try
        {
            byte[] bytes = BoundedFile.Read(path, LargestSecret + 1);
            value = bytes.Length > LargestSecret ? $"{path} is larger than 1 MiB" : WithoutLineBreak(bytes);
            return bytes.Length <= LargestSecret;
        }
        catch (DecoderFallbackException)
        {
            value = $"{path} is not text in UTF-8";
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            value = $"{path} cannot be read: {BoundedFile.Reason(problem, path)}";
        }

        return false;
    }

    /// <summary>Editors end the last line; that is not part of a password.</summary>
    private static string WithoutLineBreak(byte[] bytes)
    {
        string text = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(bytes);
        if (text.EndsWith("\r\n", StringComparison.Ordinal)) return text[..^2];
        return text.EndsWith('\n') ? text[..^1] : text;
    }
}
