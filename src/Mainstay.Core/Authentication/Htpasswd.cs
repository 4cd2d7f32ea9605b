using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Mainstay.Core.Authentication;

/// <summary>Who computes a password hash.</summary>
public enum PasswordScheme
{
    /// <summary>crypt(3): bcrypt, SHA-256, SHA-512, yescrypt.</summary>
    Crypt,
    Apr1,
}

/// <summary>One user of a password file.</summary>
public sealed record PasswordEntry(PasswordScheme Scheme, string Hash);

/// <summary>Users and password hashes, as htpasswd writes them: one "name:hash" a line, # before comments. Immutable.</summary>
public sealed class Htpasswd
{
    private const int MostUsers = 1_000_000;

    /// <summary>Of crypt(5); the weak ones (DES, MD5, SHA-1, plain text) are refused.</summary>
    private static readonly string[] s_cryptPrefixes = ["$2y$", "$2b$", "$2a$", "$5$", "$6$", "$y$"];

    private readonly FrozenDictionary<string, PasswordEntry> _users;

    private Htpasswd(Dictionary<string, PasswordEntry> users, PasswordEntry? decoy) => (_users, Decoy) = (users.ToFrozenDictionary(), decoy);

    public int Count => _users.Count;

    /// <summary>crypt(3) is needed.</summary>
    public bool HasCryptHashes => _users.Values.Any(user => user.Scheme == PasswordScheme.Crypt);

    /// <summary>What a password for an unknown user is compared with, so that it takes as long; null in an empty file.</summary>
    public PasswordEntry? Decoy { get; }

    public bool TryFind(string user, [NotNullWhen(true)] out PasswordEntry? entry) => _users.TryGetValue(user, out entry);

    /// <summary>False with the first line that cannot be used, and what to do about it.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out Htpasswd? file, out string problem)
    {
        file = null;
        problem = "";
        var users = new Dictionary<string, PasswordEntry>();
        PasswordEntry? decoy = null;
        int number = 0;
        foreach (ReadOnlySpan<char> raw in text.AsSpan().EnumerateLines())
        {
            number++;
            ReadOnlySpan<char> line = raw.Trim();
            if (line.IsEmpty || line[0] == '#') continue;
            int colon = line.IndexOf(':');
            if (colon <= 0)
            {
                problem = $"line {number} is not name:hash";
                return false;
            }

            string user = line[..colon].ToString(), hash = line[(colon + 1)..].ToString();
            int end = hash.IndexOf(':');
            if (end >= 0) hash = hash[..end];
            if (SchemeOf(hash) is not { } scheme)
            {
                problem = $"line {number}: the hash of {Show(user)} is of no kind that is safe (htpasswd -B makes bcrypt; $5$, $6$, $y$ and $apr1$ are understood)";
                return false;
            }

            decoy ??= new PasswordEntry(scheme, hash);

            // As Apache: of one name twice the first counts.
            users.TryAdd(user, new PasswordEntry(scheme, hash));
            if (users.Count > MostUsers)
            {
                problem = $"there are more than {MostUsers} users";
                return false;
            }
        }

        file = new Htpasswd(users, decoy);
        return true;
    }

    private static PasswordScheme? SchemeOf(string hash)
    {
        if (hash.Any(c => c is <= ' ' or > '~')) return null;
        if (hash.StartsWith(Apr1.Prefix, StringComparison.Ordinal)) return PasswordScheme.Apr1;
        return s_cryptPrefixes.Any(prefix => hash.StartsWith(prefix, StringComparison.Ordinal)) ? PasswordScheme.Crypt : null;
    }

    private static string Show(string user) => user.All(c => c is > ' ' and <= '~') && user.Length <= 60 ? user : "a user";
}
