using System.Collections.Immutable;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>One TLS profile.</summary>
internal static class TlsSection
{
    private static readonly FileType Pem = new("/etc/mainstay/site.pem");
    private static readonly OptionalType<FileReference> OptionalFile = new(Pem);

    private static readonly Key<CertificateSource, FileReference> SourceCertificate = new("certificate", Pem, c => c.Certificate)
    { Doc = "PEM file: the certificate, then its intermediates.", Required = true };

    private static readonly Key<CertificateSource, FileReference?> SourceKey = new("key", OptionalFile, c => c.Key)
    { Doc = "PEM file with the private key, without a password.", Otherwise = "the certificate's file" };

    private static readonly Key<CertificateSource, FileReference?> SourceOcsp = new("ocsp", OptionalFile, c => c.Ocsp)
    { Doc = "File with the responder's answer (DER), which clients get stapled to the handshake.", Otherwise = "none is stapled" };

    private static readonly Section<CertificateSource> SourceSection = new(
        "tls.NAME.certificates",
        [SourceCertificate, SourceKey, SourceOcsp],
        v => new CertificateSource(v.Get(SourceCertificate), v.Get(SourceKey), v.Get(SourceOcsp)))
    {
        Doc = "A list; each is a PEM file with certificate and key, or a mapping. Several for one name are of different kinds, such as RSA and ECDSA.",
        Shorthand = SourceCertificate,
    };

    private static readonly Key<TlsTicketSnapshot, TimeSpan> TicketLifetime = new(
        "lifetime", new DurationType(TimeSpan.Zero, TimeSpan.FromDays(7)), t => t.Lifetime)
    { Doc = "How long a client can take its session up again, without a full handshake; 0 is never.", Default = Key.Plain("12h") };

    private static readonly Key<TlsTicketSnapshot, FileReference?> TicketKeys = new(
        "keys", new OptionalType<FileReference>(new FileType("/etc/mainstay/ticket.keys")), t => t.Keys)
    {
        Doc = "File with one to eight keys of 80 random bytes, the newest first, so that several nodes open each other's tickets; it is read again when it changes.",
        Otherwise = "random keys, of which a new one seals after each half lifetime",
    };

    private static readonly Section<TlsTicketSnapshot> TicketSection = new(
        "tls.NAME.tickets", [TicketLifetime, TicketKeys], v => new TlsTicketSnapshot(v.Get(TicketLifetime), v.Get(TicketKeys)))
    {
        Doc = "Session tickets.",
        Shorthand = TicketLifetime,
    };

    private static readonly Key<TlsHandshakeSnapshot, TimeSpan> HandshakeTimeout = new("timeout", DurationType.Positive, h => h.Timeout)
    { Doc = "From the connection to the end of the handshake; then it is closed.", Default = Key.Plain("10s") };

    private static readonly Key<TlsHandshakeSnapshot, int> HandshakeLimit = new("limit", new IntegerType(0, 1_000_000), h => h.Limit)
    { Doc = "Handshakes under way at once, over all shards; further connections wait in the kernel's queue. 0 is no limit.", Default = Key.Plain("0") };

    private static readonly Key<TlsHandshakeSnapshot, int> HandshakeRate = new("rate", new IntegerType(0, 1_000_000), h => h.Rate)
    { Doc = "Handshakes begun in a second, over all shards; further connections wait in the kernel's queue. 0 is no limit.", Default = Key.Plain("0") };

    private static readonly Section<TlsHandshakeSnapshot> HandshakeSection = new(
        "tls.NAME.handshake",
        [HandshakeTimeout, HandshakeLimit, HandshakeRate],
        v => new TlsHandshakeSnapshot(v.Get(HandshakeTimeout), v.Get(HandshakeLimit), v.Get(HandshakeRate)))
    { Doc = "What handshakes may cost." };

    private enum Demand
    {
        Required,
        Optional,
    }

    private static readonly Key<ClientCertificateSnapshot, FileReference> ClientAuthorities = new("ca", Pem, c => c.Authorities)
    { Doc = "PEM file with the authorities whose certificates are accepted.", Required = true };

    private static readonly Key<ClientCertificateSnapshot, Demand> ClientVerify = new(
        "verify", new ChoiceType<Demand>(("required", Demand.Required), ("optional", Demand.Optional)), c => c.IsRequired ? Demand.Required : Demand.Optional)
    {
        Doc = "required refuses clients without a certificate; optional lets them in. One that is shown has to be valid in both cases.",
        Default = Key.Plain("required"),
    };

    private static readonly Key<ClientCertificateSnapshot, FileReference?> ClientRevocations = new("crl", OptionalFile, c => c.Revocations)
    { Doc = "PEM file with the authorities' revocation lists.", Otherwise = "revocation is not looked at" };

    private static readonly Section<ClientCertificateSnapshot> ClientSection = new(
        "tls.NAME.client",
        [ClientAuthorities, ClientVerify, ClientRevocations],
        v => new ClientCertificateSnapshot(v.Get(ClientAuthorities), v.Get(ClientVerify) == Demand.Required, v.Get(ClientRevocations)))
    {
        Doc = "Certificates of clients.",
        Shorthand = ClientAuthorities,
    };

    private static readonly OptionalValueType<TlsVersionBound> Version =
        new(new ChoiceType<TlsVersionBound>(("tls1.2", TlsVersionBound.Tls12), ("tls1.3", TlsVersionBound.Tls13))
        { Elsewhere = new Dictionary<string, string> { ["1.2"] = "tls1.2", ["1.3"] = "tls1.3", ["TLSv1.2"] = "tls1.2", ["TLSv1.3"] = "tls1.3" } });

    private static readonly TextType HostName = new(
        "name", "a name such as www.example.com", text => EndpointType.IsHostName(text) ? null : "is not a host name");

    private static readonly TextType CipherList = new(
        "list", "names as OpenSSL writes them, with colons between them",
        text => text.Length is > 0 and < 4096 && text.All(c => c is > ' ' and <= '~') ? null : "is not a list of ciphers");

    private static readonly Key<TlsSnapshot, FileReference?> Certificate = new("certificate", OptionalFile, t => Only(t)?.Certificate)
    { Doc = "PEM file: the certificate, then its intermediates." };

    private static readonly Key<TlsSnapshot, FileReference?> CertificateKey = new("key", OptionalFile, t => Only(t)?.Key)
    { Doc = "PEM file with the private key, without a password.", Otherwise = "the certificate's file", OnlyWith = ["certificate"] };

    private static readonly Key<TlsSnapshot, FileReference?> Ocsp = new("ocsp", OptionalFile, t => Only(t)?.Ocsp)
    {
        Doc = "File with the responder's answer (DER), which clients get stapled to the handshake.",
        Otherwise = "none is stapled",
        OnlyWith = ["certificate"],
    };

    private static readonly Key<TlsSnapshot, ImmutableArray<CertificateSource>?> Certificates = new(
        "certificates",
        new OptionalValueType<ImmutableArray<CertificateSource>>(new ListType<CertificateSource>(SourceSection) { AtLeast = 1, Block = true }),
        t => Only(t) is null && !t.Certificates.IsEmpty ? t.Certificates : null)
    { Doc = "Several certificates; the name that a client asks for decides." };

    private static readonly Key<TlsSnapshot, FileReference?> Directory = new(
        "directory", new OptionalType<FileReference>(new FileType("/etc/mainstay/certificates")), t => t.Directory)
    {
        Doc = "Directory whose *.pem and *.crt files are certificates too; a key is in the same file or beside it as *.key. Files that come or go take "
            + "effect as other changes do.",
        Otherwise = "none",
    };

    private static readonly Key<TlsSnapshot, string?> DefaultName = new(
        "default", new OptionalType<string>(HostName), t => t.DefaultName.Length == 0 ? null : t.DefaultName)
    { Doc = "Clients that ask for no name, or for an unknown one, get this name's certificate.", Otherwise = "the first certificate" };

    private static readonly Key<TlsSnapshot, bool> Strict = new("strict", BooleanType.Instance, t => t.Strict)
    { Doc = "Refuse clients that ask for no name or for an unknown one.", Default = Key.Plain("false") };

    private static readonly Key<TlsSnapshot, TlsProfileKind> Profile = new(
        "profile",
        new ChoiceType<TlsProfileKind>(("modern", TlsProfileKind.Modern), ("intermediate", TlsProfileKind.Intermediate)),
        t => t.Profile)
    {
        Doc = "Mozilla's recommendations by name: modern is TLS 1.3 alone, intermediate also TLS 1.2 with forward secrecy.",
        Default = Key.Plain("intermediate"),
    };

    private static readonly Key<TlsSnapshot, TlsVersionBound?> MinVersion = new("min-version", Version, t => t.MinVersion)
    { Doc = "Oldest version.", Otherwise = "the profile's" };

    private static readonly Key<TlsSnapshot, TlsVersionBound?> MaxVersion = new("max-version", Version, t => t.MaxVersion)
    { Doc = "Newest version.", Otherwise = "tls1.3" };

    private static readonly Key<TlsSnapshot, string?> Ciphers = new(
        "ciphers", new OptionalType<string>(CipherList), t => t.Ciphers.Length == 0 ? null : t.Ciphers)
    { Doc = "Ciphers of TLS 1.2.", Otherwise = "the profile's" };

    private static readonly Key<TlsSnapshot, string?> CipherSuites = new(
        "cipher-suites", new OptionalType<string>(CipherList), t => t.CipherSuites.Length == 0 ? null : t.CipherSuites)
    { Doc = "Cipher suites of TLS 1.3.", Otherwise = "the profile's" };

    private static readonly Key<TlsSnapshot, TlsTicketSnapshot> Tickets = new("tickets", TicketSection, t => t.Tickets)
    { Doc = "Session tickets.", Default = Key.EmptyMapping };

    private static readonly Key<TlsSnapshot, TlsHandshakeSnapshot> Handshake = new("handshake", HandshakeSection, t => t.Handshake)
    { Doc = "What handshakes may cost.", Default = Key.EmptyMapping };

    private static readonly Key<TlsSnapshot, ClientCertificateSnapshot?> Client = new(
        "client", new OptionalType<ClientCertificateSnapshot>(ClientSection), t => t.Client)
    { Doc = "Certificates of clients.", Otherwise = "clients are not asked for one" };

    private static readonly Key<TlsSnapshot, TimeSpan> Watch = new(
        "watch", new DurationType(TimeSpan.Zero, TimeSpan.FromDays(1)), t => t.Watch)
    {
        Doc = "How often the files are looked at; a change takes effect without a reload. 0 is only on a reload.",
        Default = Key.Plain("10s"),
    };

    public static readonly Section<TlsSnapshot> Section = new(
        "tls.NAME",
        [
            Certificate, CertificateKey, Ocsp, Certificates, Directory, DefaultName, Strict, Profile, MinVersion, MaxVersion, Ciphers, CipherSuites,
            Tickets, Handshake, Client, Watch,
        ],
        Build)
    {
        Doc = "What a listener offers to clients that speak TLS. Changed files take effect by themselves; when they are broken, the old ones stay.",
        Block = true,
        Verify = Verify,
    };

    public static readonly MapType<TlsSnapshot, TlsSnapshot> Map = new(
        TextType.Name, Section, (name, profile) => profile with { Name = name }, profile => (profile.Name, profile))
    {
        Block = true,
        OnName = (compilation, key) => compilation.TlsProfiles.TryAdd(key.Text, compilation.Mention(key, key.Text)),
    };

    /// <summary>The one certificate that is written without a list.</summary>
    private static CertificateSource? Only(TlsSnapshot profile) => profile.Certificates.Length == 1 ? profile.Certificates[0] : null;

    private static TlsSnapshot Build(Values v)
    {
        ImmutableArray<CertificateSource> certificates = v.Get(Certificates) ?? [];
        if (v.Get(Certificate) is { } only) certificates = certificates.Insert(0, new CertificateSource(only, v.Get(CertificateKey), v.Get(Ocsp)));
        return new TlsSnapshot
        {
            Name = "",
            Certificates = certificates,
            Directory = v.Get(Directory),
            DefaultName = v.Get(DefaultName) ?? "",
            Strict = v.Get(Strict),
            Profile = v.Get(Profile),
            MinVersion = v.Get(MinVersion),
            MaxVersion = v.Get(MaxVersion),
            Ciphers = v.Get(Ciphers) ?? "",
            CipherSuites = v.Get(CipherSuites) ?? "",
            Tickets = v.Get(Tickets),
            Handshake = v.Get(Handshake),
            Client = v.Get(Client),
            Watch = v.Get(Watch),
        };
    }

    private static void Verify(Values v)
    {
        if (!v.IsWritten(Certificate) && !v.IsWritten(Certificates) && !v.IsWritten(Directory))
            v.Compilation.Error(v.Mapping, "there is no certificate (certificate, certificates or directory)");
        bool bounds = v.TryGet(MinVersion, out TlsVersionBound? min) & v.TryGet(MaxVersion, out TlsVersionBound? max)
            & v.TryGet(Profile, out TlsProfileKind profile);
        TlsVersionBound least = min ?? (profile == TlsProfileKind.Modern ? TlsVersionBound.Tls13 : TlsVersionBound.Tls12);
        if (bounds && max < least) v.Error(MaxVersion, "is older than the oldest version (tls1.3, or a lower min-version)");
        if (bounds && least == TlsVersionBound.Tls13 && v.IsWritten(Ciphers))
            v.Warn(Ciphers, "are of TLS 1.2, which is not offered (cipher-suites are those of TLS 1.3)");
    }
}

/// <summary>The name of a TLS profile.</summary>
internal sealed class TlsReferenceType : ScalarType<string>
{
    public static readonly TlsReferenceType Instance = new();

    public override string Label => "TLS profile";
    public override string Expected => "the name of a profile below tls";

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override System.Text.Json.Nodes.JsonObject Schema() => TextType.Name.Schema();

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        compilation.TlsUses.Add(compilation.Mention(scalar, value));
        return null;
    }
}

/// <summary>Where https is: <c>true</c> for 443, or the port.</summary>
internal sealed class HttpsPortType : ConfigType<int>
{
    private const int Https = 443;

    public static readonly HttpsPortType Instance = new();

    public override string Label => "true, or port";
    public override string Expected => "true, or the port of the https URL";

    public override bool TryRead(ConfigNode node, Compilation compilation, out int value)
    {
        value = Https;
        bool bare = node is ScalarNode { Quoted: false } scalar && (scalar.IsNull || scalar.Text == "true");
        return bare || IntegerType.Port.TryRead(node, compilation, out value);
    }

    public override ConfigNode Write(int value, WriteOptions options) =>
        value == Https ? new ScalarNode("true") : IntegerType.Port.Write(value, options);

    public override System.Text.Json.Nodes.JsonObject Schema() =>
        new() { ["anyOf"] = new System.Text.Json.Nodes.JsonArray(PresenceType.Instance.Schema(), IntegerType.Port.Schema()) };
}
