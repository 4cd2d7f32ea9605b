using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Mainstay.Core.Tls;

namespace Mainstay.Linux.Tls;

/// <summary>
/// A TLS server's certificates and rules, ready for connections of any thread. Immutable but for stapled responses. The native state is
/// freed when neither a listener nor a connection refers to it any more.
/// </summary>
public sealed unsafe class TlsServerContext
{
    private static readonly int s_extra = LibSsl.Missing is null ? LibSsl.NewExtraIndex(LibSsl.ExIndexContext, 0, 0, 0, 0, 0) : -1;

    private readonly State _state;

    private TlsServerContext(State state) => _state = state;

    internal nint Handle => _state.Contexts[0];

    /// <summary>Names that it has a certificate for.</summary>
    public ServerNameTable Names => _state.Names;

    /// <summary>Clients are asked for certificates.</summary>
    public bool VerifiesClients { get; private init; }

    /// <summary>Null with what is wrong.</summary>
    public static TlsServerContext? TryCreate(TlsServerOptions options, out TlsProblem? problem)
    {
        problem = LibSsl.Missing is { } missing ? new TlsProblem(TlsPart.Library, -1, missing) : null;
        if (problem is not null) return null;
        var builder = new TlsServerContextBuilder(options);
        var state = new State(
            new ServerNameTable(options.Identities.SelectMany((identity, number) => identity.Names.Select(name => (name, number)))),
            options.Strict, options.Tickets, EncodeProtocols(options.Protocols), options.Pairs.Length);
        foreach (TlsIdentity identity in options.Identities)
        {
            nint context = builder.TryBuild(identity, state.Certificates, out problem);
            if (context == 0) return null;
            state.Contexts.Add(context);
            Connect(context, state, options);
        }

        return new TlsServerContext(state) { VerifiesClients = options.ClientVerification != TlsClientVerification.None };
    }

    /// <summary>The OCSP response that clients get with a pair's certificate (RFC 6066 section 8), DER; null takes it away. Any thread.</summary>
    public void Staple(int pair, byte[]? response) => Volatile.Write(ref _state.Staples[pair], response);

    private static void Connect(nint context, State state, TlsServerOptions options)
    {
        delegate* unmanaged[Cdecl]<nint, int*, nint, int> chooseName = &ChooseName;
        delegate* unmanaged[Cdecl]<nint, byte**, byte*, byte*, uint, nint, int> chooseProtocol = &ChooseProtocol;
        delegate* unmanaged[Cdecl]<nint, byte*, byte*, nint, nint, int, int> chooseKey = &ChooseTicketKey;
        delegate* unmanaged[Cdecl]<nint, nint, int> staple = &Staple;
        nint handle = GCHandle.ToIntPtr(state.Handle);
        _ = LibSsl.ContextSetExtra(context, s_extra, handle);
        _ = LibSsl.ContextCallback(context, LibSsl.CallbackServerName, chooseName);
        _ = LibSsl.ContextControl(context, LibSsl.ControlServerNameArgument, 0, (void*)handle);
        _ = LibSsl.ContextCallback(context, LibSsl.CallbackStatus, staple);
        _ = LibSsl.ContextControl(context, LibSsl.ControlStatusArgument, 0, (void*)handle);
        if (state.Protocols.Length > 0) LibSsl.ContextSetProtocolChoice(context, chooseProtocol, handle);
        if (options.Tickets is not null) _ = LibSsl.ContextSetTicketKeys(context, chooseKey);
    }

    /// <summary>RFC 7301 section 3.1.</summary>
    private static byte[] EncodeProtocols(ImmutableArray<string> protocols) =>
        [.. protocols.SelectMany(name => Encoding.ASCII.GetBytes(name).Prepend((byte)name.Length))];

    private static State Of(nint handle) => Unsafe.As<State>(GCHandle.FromIntPtr(handle).Target!);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ChooseName(nint ssl, int* alert, nint argument)
    {
        State state = Of(argument);
        byte* name = LibSsl.ServerName(ssl, LibSsl.ServerNameHost);
        int found = name == null ? ServerNameTable.None : state.Names.Find(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
        if (found > 0) _ = LibSsl.SetContext(ssl, state.Contexts[found]);
        if (found >= 0) return LibSsl.ExtensionOk;
        if (!state.Strict) return LibSsl.ExtensionNotAcknowledged;
        *alert = LibSsl.AlertUnrecognizedName;
        return LibSsl.ExtensionFatal;
    }

    /// <summary>No common protocol ends the handshake (RFC 7301 section 3.2).</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ChooseProtocol(nint ssl, byte** chosen, byte* chosenLength, byte* offered, uint offeredLength, nint argument)
    {
        const int Negotiated = 1;
        byte[] ours = Of(argument).Protocols;
        fixed (byte* list = ours)
        {
            byte* found;
            if (LibSsl.SelectProtocol(&found, chosenLength, list, (uint)ours.Length, offered, offeredLength) != Negotiated) return LibSsl.ExtensionFatal;

            // What was found may stand in either list, and ours is not pinned: point to the same in the client's.
            var name = new ReadOnlySpan<byte>(found, *chosenLength);
            int at = FindEntry(new ReadOnlySpan<byte>(offered, (int)offeredLength), name);
            if (at < 0) return LibSsl.ExtensionFatal;
            *chosen = offered + at;
            return LibSsl.ExtensionOk;
        }
    }

    private static int FindEntry(ReadOnlySpan<byte> list, ReadOnlySpan<byte> name)
    {
        for (int at = 0; at < list.Length; at += 1 + list[at])
            if (list[at] == name.Length && list.Slice(at + 1, name.Length).SequenceEqual(name)) return at + 1;
        return -1;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ChooseTicketKey(nint ssl, byte* name, byte* iv, nint cipher, nint mac, int seal) =>
        Of(LibSsl.ContextExtra(LibSsl.Context(ssl), s_extra)).Tickets!.Choose(name, iv, cipher, mac, seal != 0);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Staple(nint ssl, nint argument)
    {
        State state = Of(argument);
        if (!state.Certificates.TryGetValue(LibSsl.OwnCertificate(ssl), out int pair)) return LibSsl.ExtensionNotAcknowledged;
        if (Volatile.Read(ref state.Staples[pair]) is not { } response) return LibSsl.ExtensionNotAcknowledged;

        // OpenSSL frees it with the connection.
        void* copy = LibSsl.Allocate((nuint)response.Length, null, 0);
        if (copy == null) return LibSsl.ExtensionNotAcknowledged;
        response.CopyTo(new Span<byte>(copy, response.Length));
        _ = LibSsl.Control(ssl, LibSsl.ControlStatusResponse, response.Length, (byte*)copy);
        return LibSsl.ExtensionOk;
    }

    /// <summary>What callbacks see. Connections hold the context that holds it, so no callback comes after it is gone.</summary>
    private sealed class State
    {
        public State(ServerNameTable names, bool strict, TlsTicketKeys? tickets, byte[] protocols, int pairs)
        {
            (Names, Strict, Tickets, Protocols) = (names, strict, tickets, protocols);
            Staples = new byte[]?[pairs];
            Handle = GCHandle.Alloc(this, GCHandleType.Weak);
        }

        ~State()
        {
            foreach (nint context in Contexts) LibSsl.ContextFree(context);
            Handle.Free();
        }

        public ServerNameTable Names { get; }
        public bool Strict { get; }
        public TlsTicketKeys? Tickets { get; }
        public byte[] Protocols { get; }
        public List<nint> Contexts { get; } = [];

        /// <summary>Numbers of the pairs by their native certificates.</summary>
        public Dictionary<nint, int> Certificates { get; } = [];
        public byte[]?[] Staples { get; }
        public GCHandle Handle { get; }
    }
}
