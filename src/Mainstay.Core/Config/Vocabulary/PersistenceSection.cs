using Mainstay.Core.Http;

namespace Mainstay.Core.Config.Vocabulary;

internal static class CookieSection
{
    private static readonly ChoiceType<CookieMode> Modes = new(
        ("insert", CookieMode.Insert), ("prefix", CookieMode.Prefix), ("rewrite", CookieMode.Rewrite), ("learn", CookieMode.Learn));

    private static readonly ChoiceType<SameSite> Sites = new(
        ("unset", SameSite.Unset), ("lax", SameSite.Lax), ("strict", SameSite.Strict), ("none", SameSite.None));

    private static readonly TextType CookieName = new("cookie name", "a name such as SRV, of letters, digits, '-', '_' and '.'", Token);

    private static readonly TextType Attribute = new(
        "text", "a cookie attribute without ;", text => text.All(c => c is > ' ' and < (char)127 and not ';' and not ',') ? null : "cannot stand in a cookie");

    private static readonly Key<CookieSnapshot, string> Name = new("name", CookieName, c => c.Name)
    { Doc = "Name of the cookie.", Required = true };

    private static readonly Key<CookieSnapshot, CookieMode> Mode = new("mode", Modes, c => c.Mode)
    {
        Doc = "insert: a cookie of our own. prefix: the application's cookie with the server's token in front of its value, which the "
            + "application does not see. rewrite: the application sets the cookie, its value becomes the token. learn: the application's "
            + "session cookie untouched; which server gave it is remembered.",
        Default = Key.Plain("insert"),
    };

    private static readonly Key<CookieSnapshot, string> Path = new("path", Attribute, c => c.Path)
    { Doc = "Path attribute of an inserted cookie.", Default = new ScalarNode("/", quoted: true) };

    private static readonly Key<CookieSnapshot, string> Domain = new("domain", Attribute, c => c.Domain)
    { Doc = "Domain attribute of an inserted cookie.", Default = new ScalarNode("", quoted: true), Otherwise = "none: this host only" };

    private static readonly Key<CookieSnapshot, bool> Secure = new("secure", BooleanType.Instance, c => c.Secure)
    { Doc = "The browser sends an inserted cookie over HTTPS only.", Default = Key.Plain("false") };

    private static readonly Key<CookieSnapshot, bool> HttpOnly = new("http-only", BooleanType.Instance, c => c.HttpOnly)
    { Doc = "Scripts do not see an inserted cookie.", Default = Key.Plain("true") };

    private static readonly Key<CookieSnapshot, SameSite> Site = new("same-site", Sites, c => c.SameSite)
    { Doc = "SameSite attribute of an inserted cookie; none needs secure.", Default = Key.Plain("lax") };

    private static readonly Key<CookieSnapshot, TimeSpan> MaxAge = new("max-age", DurationType.OrZero, c => c.MaxAge)
    { Doc = "How long the browser keeps an inserted cookie; 0 is until it is closed.", Default = Key.Plain("0") };

    private static readonly Key<CookieSnapshot, bool> Hide = new("hide", BooleanType.Instance, c => c.Hide)
    { Doc = "The server does not see an inserted cookie.", Default = Key.Plain("true") };

    public static readonly Section<CookieSnapshot> Section = new(
        "pools.NAME.persist.cookie",
        [Name, Mode, Path, Domain, Secure, HttpOnly, Site, MaxAge, Hide],
        v => new CookieSnapshot(
            v.Get(Name), v.Get(Mode), v.Get(Path), v.Get(Domain), v.Get(Secure), v.Get(HttpOnly), v.Get(Site), v.Get(MaxAge), v.Get(Hide)))
    {
        Doc = "A cookie that ties a client to its server; its name alone is enough.",
        Shorthand = Name,
        Verify = Verify,
    };

    private static void Verify(Values v)
    {
        if (v.TryGet(Site, out SameSite site) && v.TryGet(Secure, out bool secure) && site == SameSite.None && !secure)
            v.Error(Site, "none needs secure: true (browsers refuse such a cookie otherwise)");
        if (!v.TryGet(Mode, out CookieMode mode) || mode == CookieMode.Insert) return;
        foreach (Key key in (Key[])[Path, Domain, Secure, HttpOnly, Site, MaxAge, Hide])
            if (v.IsWritten(key)) v.Error(key, $"is for mode insert; with {Modes.WordOf(mode)} the application makes the cookie");
    }

    private static string? Token(string text) =>
        text.Length is > 0 and <= 128 && text.All(c => c < 128 && HttpBytes.IsToken([(byte)c])) ? null : "is not a cookie's name";
}

internal static class PersistenceSection
{
    private static readonly Key<PersistenceSnapshot, CookieSnapshot?> Cookie = new(
        "cookie", new OptionalType<CookieSnapshot>(CookieSection.Section), p => p.Cookie)
    { Doc = "By a cookie." };

    private static readonly Key<PersistenceSnapshot, string?> Header = new(
        "header", new OptionalType<string>(TextType.Token), p => p.Header.Length == 0 ? null : p.Header)
    { Doc = "By the value of this request header, which is remembered." };

    private static readonly Key<PersistenceSnapshot, bool?> Source = new(
        "source", new OptionalValueType<bool>(PresenceType.Instance), p => p.Source ? true : null)
    { Doc = "By the client's address, which is remembered." };

    private static readonly Key<PersistenceSnapshot, TimeSpan> Timeout = new("timeout", DurationType.Positive, p => p.Timeout)
    { Doc = "How long something remembered is kept without being used.", Default = Key.Plain("30m") };

    private static readonly Key<PersistenceSnapshot, int> Entries = new("entries", new IntegerType(64, 16 * 1024 * 1024), p => p.Entries)
    { Doc = "How much can be remembered, at some 18 bytes each; beyond it the longest unused goes.", Default = Key.Plain("100000") };

    private static readonly Key<PersistenceSnapshot, string> Secret = new("secret", new SourcedTextType(secret: true, _ => null), p => p.Secret)
    {
        Doc = "Signs the tokens in cookies, so that nobody can make one for a server of his choice. The same on all nodes.",
        Default = new ScalarNode("", quoted: true),
        Otherwise = "none: a token is made of the names of pool and server",
    };

    private static readonly Key<PersistenceSnapshot, bool> Stay = new("stay-while-draining", BooleanType.Instance, p => p.StayWhileDraining)
    {
        Doc = "Clients of a server that is drained stay with it until its drain-timeout is over; else they move with their next request.",
        Default = Key.Plain("false"),
    };

    public static readonly Section<PersistenceSnapshot> Section = new(
        "pools.NAME.persist",
        [Cookie, Header, Source, Timeout, Entries, Secret, Stay],
        v => new PersistenceSnapshot
        {
            Cookie = v.Get(Cookie),
            Header = v.Get(Header) ?? "",
            Source = v.Get(Source) ?? false,
            Timeout = v.Get(Timeout),
            Entries = v.Get(Entries),
            Secret = v.Get(Secret),
            StayWhileDraining = v.Get(Stay),
        })
    {
        Doc = "Requests of one client go to one server as long as that can serve; then to another, which it stays with.",
        OneOf = [Cookie, Header, Source],
        Verify = Verify,
    };

    private static void Verify(Values v)
    {
        if (!v.TryGet(Cookie, out CookieSnapshot? cookie)) return;
        bool remembers = cookie is null || cookie.Mode == CookieMode.Learn;
        if (remembers && v.IsWritten(Secret)) v.Error(Secret, "is for cookies with a token in them; nothing here has one");
        foreach (Key key in (Key[])[Timeout, Entries])
            if (!remembers && v.IsWritten(key)) v.Error(key, "is for what is remembered; this cookie says by itself which server it is for");
    }
}
