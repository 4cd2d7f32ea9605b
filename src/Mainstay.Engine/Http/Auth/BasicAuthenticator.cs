using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Authentication;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Http.Protect;
using Mainstay.Linux.Authentication;

namespace Mainstay.Engine.Http.Auth;

/// <summary>Name and password against a file of hashes.</summary>
internal sealed class BasicAuthenticator : Authenticator
{
    private const int MaxFile = 64 * 1024 * 1024;

    private readonly WatchedFile _file;
    private readonly byte[] _challenge;
    private Htpasswd? _users;

    public BasicAuthenticator(BasicAuthSnapshot snapshot, ProtectionTables tables)
        : base(snapshot, tables)
    {
        _file = new WatchedFile(snapshot.File, MaxFile);
        _challenge = Line("WWW-Authenticate", $"Basic realm=\"{snapshot.Realm}\", charset=\"UTF-8\"");
        Dropped = Names(snapshot, []);
    }

    public override ReadOnlySpan<byte> Find(RequestHead request, ReadOnlySpan<byte> head) =>
        RequestCredentials.TryFindAuthorization(request, head, out ReadOnlySpan<byte> value) ? value : default;

    public override AuthVerdict Verify(ReadOnlySpan<byte> credentials, long unixSeconds)
    {
        Span<byte> room = stackalloc byte[BasicCredentials.MaxLength];
        if (!BasicCredentials.TryRead(credentials, room, out BasicCredentials basic)) return new AuthVerdict(null, "malformed", "");
        Htpasswd users = Volatile.Read(ref _users)!;
        string user = Encoding.UTF8.GetString(basic.User);

        // An unknown user takes as long as a known one.
        bool isKnown = users.TryFind(user, out PasswordEntry? entry);
        entry ??= users.Decoy;
        bool isRight = entry is not null && Matches(entry, basic.Password);
        CryptographicOperations.ZeroMemory(room);
        if (!isKnown || !isRight) return new AuthVerdict(null, isKnown ? "wrong-password" : "unknown-user", "");
        byte[] fields = Snapshot.UserHeader.Length > 0 ? Line(Snapshot.UserHeader, Printable(user)) : [];
        return new AuthVerdict(new Identity(user, fields, long.MaxValue), "accepted", "");
    }

    public override byte[] Challenge(in AuthVerdict? verdict) => _challenge;

    public override string? Refresh()
    {
        if (!_file.TryRead(out string content, out string? problem)) return problem is null ? null : $"{_file.Path}: {problem}";
        if (!Htpasswd.TryRead(content, out Htpasswd? users, out problem)) return $"{_file.Path}: {problem}";
        if (PasswordHash.Missing is { } missing && users.HasCryptHashes) return $"{_file.Path}: {missing}";
        Volatile.Write(ref _users, users);
        Generation++;
        return null;
    }

    private static bool Matches(PasswordEntry entry, ReadOnlySpan<byte> password)
    {
        string? computed = entry.Scheme == PasswordScheme.Apr1 ? Apr1.Hash(password, entry.Hash) : PasswordHash.Compute(password, entry.Hash);
        return computed is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(computed), Encoding.UTF8.GetBytes(entry.Hash));
    }

    private static string Printable(string user) => new([.. user.Select(c => c is > ' ' and <= '~' ? c : '?')]);
}
