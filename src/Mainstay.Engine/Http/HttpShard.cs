using System.Collections.Immutable;
using Mainstay.Core.Authentication;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Engine.Http.Auth;
using Mainstay.Engine.Http.Coding;
using Mainstay.Engine.Http.Files;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Offload;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Http;

/// <summary>
/// The HTTP plane on one shard: listeners, clients, lanes to servers, the buffers and objects they share. Everything here belongs to the
/// shard's thread but what says otherwise.
/// </summary>
internal sealed partial class HttpShard : ILoopReceiver
{
    /// <summary>Room in front of what is received, for a head that grows while it is rewritten: no body byte is copied.</summary>
    public const int HeadRoom = 4 * 1024;

    /// <summary>Bytes of one receive: a 100 KB response takes two, and the buffer stays in the second-level cache.</summary>
    public const int ReceiveSize = 128 * 1024;

    /// <summary>Largest head that is written: a received one of the largest configurable size, and what is added.</summary>
    private const int OutputSize = 256 * 1024;

    /// <summary>Largest head that rules write.</summary>
    private const int EditedSize = 128 * 1024;

    /// <summary>Spreads requests over the pools of a split.</summary>
    public ulong SplitSequence;

    /// <summary>What a server's response head may cost.</summary>
    public static readonly HttpLimits ResponseLimits = new(RequestLine: 8 * 1024, Head: 64 * 1024, Fields: 256);

    /// <summary>How long a connection waits here that came too late for the exchange it was meant for.</summary>
    private static readonly TimeSpan s_adoptedKeepAlive = TimeSpan.FromSeconds(1);

    private readonly NativeBuffer _input = new(HeadRoom + ReceiveSize);
    private readonly NativeBuffer _frames = new(ReceiveSize + 2 * Http2Connection.MaxInput);
    private readonly NativeBuffer _output = new(OutputSize);
    private readonly NativeBuffer _edited = new(EditedSize);
    private readonly Dictionary<int, AcceptChannel> _listeners = [];
    private readonly byte[] _date = new byte[HttpDate.Length];

    /// <summary>Whose turn it is among a pool's source addresses.</summary>
    public uint SourceTurn;

    private ServerLane?[] _lanes = new ServerLane?[64];
    private ServiceCounters[] _services = [];
    private readonly long _blockBytes;
    private readonly Shard _shard;
    private ClientConnection? _clients;
    private long _dateSecond = -1;
    private int _year;
    private int _open;
    private TlsTransport? _tlsTransport;

    /// <param name="blockBytes">Bytes in blocks that this shard may use: from there on it accepts no new client, and closes some.</param>
    /// <param name="fileDescriptors">Files that this shard may hold open.</param>
    public HttpShard(
        Shard shard, LoadTable loads, AccessLog log, ConnectionBudget budget, long blockBytes, OffloadPool offload, int fileDescriptors)
    {
        _blockBytes = blockBytes;
        _shard = shard;
        Number = shard.Number;
        Loop = shard.Loop;
        Blocks = shard.Blocks;
        Loads = loads;
        Log = log.Attach();
        Budget = budget;
        Files = new FileCache(shard.Loop, offload, fileDescriptors);
        Tarpit = new Tarpit(Loop, budget);
        Handshakes = new HandshakeGate(Loop);
        RequestIds = new RequestId(BitConverter.ToUInt128(Entropy.Bytes(16)));
    }

    public int Number { get; }
    public EventLoop Loop { get; }
    public BlockPool Blocks { get; }
    public LoadTable Loads { get; }
    public FileCache Files { get; }
    public EncoderPool Encoders { get; } = new();
    public AccessLogQueue Log { get; }
    public RequestId RequestIds { get; }
    public ShardCounters Counters { get; } = new();
    /// <summary>TLS handshakes of clients.</summary>
    public HandshakeGate Handshakes { get; }

    /// <summary>What the shard's TLS connections share; made at the first one.</summary>
    public TlsTransport TlsTransport => _tlsTransport ??= new TlsTransport();

    public RequestHead Request { get; } = new();
    public ResponseHead Response { get; } = new();

    /// <summary>Received bytes of the moment; nothing of them outlives the call that received them.</summary>
    public Span<byte> Input => _input.Span;

    /// <summary>Received bytes of an HTTP/2 connection while they are being looked through, which exchanges do with <see cref="Input"/> meanwhile.</summary>
    public Span<byte> Frames => _frames.Span;

    /// <summary>What the HTTP/2 connections of this shard share.</summary>
    public Http2Workspace Http2 { get; } = new();

    /// <summary>Where rules write header lines, or a whole head, before it goes its way as a received one.</summary>
    public Span<byte> Edited => _edited.Span;

    /// <summary>Where heads are written.</summary>
    public Span<byte> Output => _output.Span;

    /// <summary>The plane on all shards, this one included, by number.</summary>
    public IReadOnlyList<HttpShard> Siblings { get; set; } = [];

    /// <summary>Credentials that were right a moment ago.</summary>
    public VerifiedCredentials<Identity> Verified { get; } = new(Entropy.Bytes(32));

    /// <summary>Where others are checked.</summary>
    public required OffloadPool Checks { get; init; }

    /// <summary>Connections of banned clients that are held without an answer.</summary>
    private Tarpit Tarpit { get; }

    /// <summary>Client connections of all shards.</summary>
    public ConnectionBudget Budget { get; }

    /// <summary>Messages under way (slow heads, clients that do not read) hold as much memory as this shard may use for them.</summary>
    public bool IsShortOfMemory => Blocks.BytesRented >= _blockBytes;

    /// <summary>Exceptions that ended one connection instead of the worker; any thread.</summary>
    public long Faults => _shard.Faults;

    /// <summary>New work is refused and connections end with their exchange.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>Open client connections; any thread.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Any thread.</summary>
    public ServerLane?[] Lanes => Volatile.Read(ref _lanes);

    /// <summary>Any thread.</summary>
    public ServiceCounters[] Services => Volatile.Read(ref _services);

    /// <summary>Now, as a header value.</summary>
    public ReadOnlySpan<byte> Date
    {
        get
        {
            KeepTime();
            return _date;
        }
    }

    /// <summary>The year that it is now.</summary>
    public int Year
    {
        get
        {
            KeepTime();
            return _year;
        }
    }

    /// <summary>Switches to another configuration: listeners first, then what the old one had and the new one has not.</summary>
    public void Apply(HttpGeneration generation)
    {
        int services = generation.ServiceNumbers;
        if (_services.Length < services)
        {
            ServiceCounters[] grown = [.. _services, .. Enumerable.Range(_services.Length, services - _services.Length).Select(_ => new ServiceCounters())];
            Volatile.Write(ref _services, grown);
        }

        ImmutableArray<BoundListener> listeners = generation.Listeners[Number];
        foreach (BoundListener listener in listeners)
        {
            if (_listeners.TryGetValue(listener.Descriptor, out AcceptChannel? known))
            {
                known.Use(listener);
                continue;
            }

            var channel = new AcceptChannel(this, listener);
            _listeners.Add(listener.Descriptor, channel);
            channel.Start();
        }

        foreach (int dropped in _listeners.Keys.Except(listeners.Select(listener => listener.Descriptor)).ToList())
        {
            _listeners[dropped].Stop();
            _listeners.Remove(dropped);
        }

        ForEachClient(client => client.CloseIfDropped());

        foreach (ServerLane? lane in _lanes)
            if (lane is { IsRetired: false } && !generation.Servers.Contains(lane.Server)) Retire(lane);
    }

    /// <summary>
    /// A connection that was just accepted, within a place of the budget; the shard owns both from here on.
    /// </summary>
    public void Adopt(int descriptor, in SocketAddress peer, AcceptChannel listener)
    {
        HttpService service = listener.Service;

        // Whose clients a balancer in front tells of is admitted when it has said who they are.
        Standing standing = default;
        Admission admission = listener.IsTold(peer)
            ? Admission.Admitted
            : service.Guard.Admit(peer.Address, Loop.Now, Loop.UnixNanoseconds, Number, out standing);
        if (admission != Admission.Admitted)
        {
            TurnAway(descriptor, service, admission);
            return;
        }

        if (!_freeClients.TryPop(out ClientConnection? client)) client = new ClientConnection(this);
        if (!client.Start(descriptor, peer, listener, standing))
        {
            service.Guard.Leave(standing);
            Counters.AcceptFailures++;
            Descriptor.Close(descriptor);
            Budget.Give();
            _freeClients.Push(client);
            return;
        }

        client.NextInShard = _clients;
        client.PreviousInShard = null;
        if (_clients is not null) _clients.PreviousInShard = client;
        _clients = client;
        Volatile.Write(ref _open, _open + 1);
        Counters.Accepted++;
        _services[client.CountedService].Connections++;
    }

    /// <summary>A connection that protection does not let in: reset, so that neither side remembers it.</summary>
    private void TurnAway(int descriptor, HttpService service, Admission admission)
    {
        _services[service.Number].TurnedAway[(int)admission]++;
        if (admission == Admission.Tarpitted && Tarpit.TryHold(descriptor)) return;
        Sockets.ResetOnClose(descriptor);
        Descriptor.Close(descriptor);
        Budget.Give();
    }

    public void OnClosed(ClientConnection client)
    {
        if (client.PreviousInShard is not null) client.PreviousInShard.NextInShard = client.NextInShard;
        else _clients = client.NextInShard;
        if (client.NextInShard is not null) client.NextInShard.PreviousInShard = client.PreviousInShard;
        client.NextInShard = client.PreviousInShard = null;
        _services[client.CountedService].Connections--;
        Volatile.Write(ref _open, _open - 1);
        Budget.Give();
        _freeClients.Push(client);
    }

    /// <summary>The shard's lane to a server, made at its first use.</summary>
    public ServerLane Lane(ServerRuntime server) => FindLane(server) ?? AddLane(server);

    /// <summary>The lane to a server, if there is one; any thread.</summary>
    public ServerLane? FindLane(ServerRuntime server)
    {
        ServerLane?[] lanes = Lanes;
        return server.Slot < lanes.Length && Volatile.Read(ref lanes[server.Slot]) is { } lane && lane.Server == server ? lane : null;
    }

    /// <summary>Another shard with at least so many idle connections to a server.</summary>
    public HttpShard? FindDonor(ServerRuntime server, int atLeast)
    {
        for (int i = 1; i < Siblings.Count; i++)
        {
            HttpShard other = Siblings[(Number + i) % Siblings.Count];
            if (other.FindLane(server)?.IdleCount >= atLeast) return other;
        }

        return null;
    }

    /// <summary>Another shard asks for one of our idle connections.</summary>
    public void OnMessage(object? content, long number) => Exchange.Give(this, (TakeOverRequest)content!);

    /// <summary>A connection that was taken over for an exchange which has ended meanwhile.</summary>
    public void AdoptIdle(ServerRuntime server, int descriptor)
    {
        // A reload may have dropped the server meanwhile, and its slot is another's.
        if (server.IsRetired)
        {
            Descriptor.Close(descriptor);
            return;
        }

        UpstreamConnection connection = RentUpstream();
        if (connection.Adopt(Lane(server), descriptor, exchange: null)) connection.Release(s_adoptedKeepAlive);
        else Descriptor.Close(descriptor);
    }

    public void OnExchangeEnded(
        HttpService service, int status, Outcome outcome, TimeSpan elapsed, long bytesFromClient, long bytesToClient)
    {
        ServiceCounters counters = _services[service.Number];
        Volatile.Write(ref counters.Requests, counters.Requests + 1);
        counters.Statuses[Math.Clamp(status / 100, 0, 5)]++;
        counters.Causes[(int)outcome.Cause]++;
        counters.BytesFromClients += bytesFromClient;
        counters.BytesToClients += bytesToClient;
        counters.Durations.Record(elapsed);
    }

    /// <summary>
    /// Takes no new connections, ends idle ones after <paramref name="idleGrace"/> at the latest, and the others with their exchange.
    /// </summary>
    public void BeginDrain()
    {
        IsDraining = true;
        ForEachClient(client => client.BeginDrain());
        foreach (AcceptChannel listener in _listeners.Values) listener.Stop();
        _listeners.Clear();
    }

    /// <param name="andNew">Those too that have not sent a request yet: theirs may be on its way.</param>
    public void CloseIdleClients(bool andNew) => ForEachClient(client =>
    {
        if (client.IsIdle && (andNew || client.Requests > 0)) client.Close();
    });

    /// <summary>Cuts what is left.</summary>
    public void CutAll()
    {
        ForEachClient(client => client.Cut());
        foreach (ServerLane? lane in _lanes) lane?.CloseIdle();
        Files.Clear();
        Tarpit.ReleaseAll();
        Encoders.Clear();
    }

    /// <summary>A server went down, or its drain time is over.</summary>
    public void OnServerOut(ServerRuntime server, bool cutBusy)
    {
        if (FindLane(server) is not { } lane) return;
        lane.CloseIdle();
        if (cutBusy) lane.CutBusy();
    }

    /// <summary>An action may close the client it is given.</summary>
    private void ForEachClient(Action<ClientConnection> action)
    {
        for (ClientConnection? client = _clients, next; client is not null; client = next)
        {
            next = client.NextInShard;
            action(client);
        }
    }

    private void KeepTime()
    {
        long second = Loop.UnixNanoseconds / 1_000_000_000;
        if (second == _dateSecond) return;
        _dateSecond = second;
        _year = DateTime.UnixEpoch.AddSeconds(second).Year;
        HttpDate.Format(second, _date);
    }

    private ServerLane AddLane(ServerRuntime server)
    {
        if (server.Slot >= _lanes.Length)
        {
            var grown = new ServerLane?[Math.Max(_lanes.Length * 2, server.Slot + 1)];
            _lanes.CopyTo(grown, 0);
            Volatile.Write(ref _lanes, grown);
        }

        if (_lanes[server.Slot] is { } former) Retire(former);
        var lane = new ServerLane(this, server);
        Volatile.Write(ref _lanes[server.Slot], lane);
        return lane;
    }

    private static void Retire(ServerLane lane)
    {
        lane.IsRetired = true;
        lane.CloseIdle();
    }
}
