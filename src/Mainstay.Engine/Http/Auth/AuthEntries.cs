using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Engine.Http.Protect;
using Mainstay.Linux.Authentication;

namespace Mainstay.Engine.Http.Auth;

/// <summary>The entries of <c>auth</c> of one configuration, and their files.</summary>
public static class AuthEntries
{
    /// <summary>What is wrong with an entry's file on this machine, or null.</summary>
    public static string? Inspect(AuthSnapshot snapshot) => Refresh(Create(snapshot, new ProtectionTables()));

    /// <summary>Digests of verified credentials and signatures need OpenSSL.</summary>
    private static string? Refresh(Authenticator entry) => PublicKey.Missing ?? entry.Refresh();

    internal static Authenticator Create(AuthSnapshot snapshot, ProtectionTables tables) => snapshot switch
    {
        BasicAuthSnapshot basic => new BasicAuthenticator(basic, tables),
        JwtAuthSnapshot jwt => new JwtAuthenticator(jwt, tables),
        _ => throw new ArgumentException("no such kind", nameof(snapshot)),
    };

    /// <summary>Makes all entries ready; one whose file cannot be used is an error.</summary>
    internal static ImmutableDictionary<string, Authenticator> Prepare(
        ImmutableArray<AuthSnapshot> snapshots, ProtectionTables tables, List<string> errors)
    {
        var entries = ImmutableDictionary.CreateBuilder<string, Authenticator>();
        foreach (AuthSnapshot snapshot in snapshots)
        {
            Authenticator entry = Create(snapshot, tables);
            if (Refresh(entry) is { } problem) errors.Add($"auth.{snapshot.Name}: {problem}");
            entries[snapshot.Name] = entry;
        }

        return entries.ToImmutable();
    }
}
