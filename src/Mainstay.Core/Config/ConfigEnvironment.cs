namespace Mainstay.Core.Config;

/// <summary>Reads a secret that the configuration names but does not contain.</summary>
/// <param name="source">Where it is.</param>
/// <param name="name">The file's path or the environment variable's name.</param>
/// <param name="value">The secret; the reason in words when the result is false.</param>
public delegate bool SecretResolver(SecretSource source, string name, out string value);

public enum SecretSource
{
    File,
    Environment,
}

/// <summary>What the meaning of a configuration takes from its surroundings: defaults that differ by machine and user, and secrets.</summary>
public sealed record ConfigEnvironment
{
    /// <summary>Default of `node`.</summary>
    public string HostName { get; init; } = "localhost";

    /// <summary>Default of `admin.socket`.</summary>
    public string AdminSocket { get; init; } = "/run/mainstay/admin.sock";

    /// <summary>Default of `process.state-directory`.</summary>
    public string StateDirectory { get; init; } = "/var/lib/mainstay";

    /// <summary>Default of `process.user`.</summary>
    public string User { get; init; } = "nobody";

    public SecretResolver Secrets { get; init; } = NoSecrets;

    private static bool NoSecrets(SecretSource source, string name, out string value)
    {
        value = "secrets cannot be read here";
        return false;
    }
}
