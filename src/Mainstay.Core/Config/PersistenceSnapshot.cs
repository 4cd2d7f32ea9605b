namespace Mainstay.Core.Config;

/// <summary>How a cookie ties a client to a server.</summary>
public enum CookieMode
{
    /// <summary>We give the client a cookie of our own.</summary>
    Insert,

    /// <summary>The application's cookie gets the server's token in front of its value.</summary>
    Prefix,

    /// <summary>The application sets the cookie with any value; the client gets the server's token in its place.</summary>
    Rewrite,

    /// <summary>The application's cookie stays as it is; which server gave which value is remembered.</summary>
    Learn,
}

public enum SameSite
{
    Unset,
    Lax,
    Strict,
    None,
}

/// <param name="Path">Attribute of a cookie of our own, as <paramref name="Domain"/> (empty: none), and the following.</param>
/// <param name="MaxAge">Zero: until the browser is closed.</param>
/// <param name="Hide">The server does not see a cookie of our own.</param>
public sealed record CookieSnapshot(
    string Name, CookieMode Mode, string Path, string Domain, bool Secure, bool HttpOnly, SameSite SameSite, TimeSpan MaxAge, bool Hide);

/// <summary>What of a request says which server it belongs to: exactly one of cookie, header and source.</summary>
public sealed record PersistenceSnapshot
{
    public CookieSnapshot? Cookie { get; init; }

    /// <summary>Name of a request header; empty: none.</summary>
    public string Header { get; init; } = "";

    /// <summary>The client's address.</summary>
    public bool Source { get; init; }

    /// <summary>How long something remembered is kept without being used.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>How much can be remembered.</summary>
    public required int Entries { get; init; }

    /// <summary>Signs tokens; empty: a token is made of the names of pool and server alone.</summary>
    public string Secret { get; init; } = "";

    /// <summary>Clients of a server that is drained stay with it until its time is over.</summary>
    public bool StayWhileDraining { get; init; }

    /// <summary>Something has to be remembered, rather than read from the request alone.</summary>
    public bool NeedsTable => Cookie is null || Cookie.Mode == CookieMode.Learn;
}
