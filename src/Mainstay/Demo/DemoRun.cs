using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Mainstay.Engine.Control;

namespace Mainstay.Demo;

/// <summary>One demo from its first process to its last.</summary>
internal sealed class DemoRun : IDisposable
{
    /// <summary>A new worker takes a second or two on a busy machine.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);

    private readonly Stopwatch _clock = new();
    private readonly Ledger _ledger = new();
    private readonly TrafficMeter _meter = new(DemoConfiguration.Servers);
    private readonly ImmutableArray<WebServer> _servers;
    private readonly BalancerProcess _balancer;
    private readonly DemoAdmin _admin;
    private readonly Performance _performance;
    private readonly IDemoView _view;
    private readonly TimeSpan _length;
    private readonly IPEndPoint _address;

    /// <param name="servers">Listening.</param>
    /// <param name="balancer">Started; told to leave by <see cref="StopAsync"/>.</param>
    public DemoRun(ImmutableArray<WebServer> servers, BalancerProcess balancer, DemoDirectory directory, int port, TimeSpan length, IDemoView view)
    {
        (_servers, _balancer, _view, _length) = (servers, balancer, view, length);
        _address = new IPEndPoint(IPAddress.Loopback, port);
        _admin = new DemoAdmin(directory.AdminSocket);
        _performance = new Performance(balancer, _admin, servers, _ledger, _clock, view);
    }

    /// <summary>Pid of the first one.</summary>
    public int Worker { get; private set; }

    public ImmutableArray<(string Reason, int Count)> FailureReasons => _ledger.Reasons();

    /// <summary>True once all servers are up; false when the balancer ended instead, which has said why.</summary>
    public async Task<bool> WaitUntilReadyAsync(CancellationToken stop)
    {
        long began = Stopwatch.GetTimestamp();
        while (!_balancer.HasEnded && Stopwatch.GetElapsedTime(began) < StartPatience)
        {
            StatusReport? status = await _admin.TryGetStatusAsync(stop).ConfigureAwait(false);
            if (status?.Pools.All(pool => pool.Servers.All(server => server.State == "up")) == true)
            {
                Worker = status.WorkerPid;
                return true;
            }

            await Task.Delay(20, stop).ConfigureAwait(false);
        }

        return false;
    }

    /// <param name="goOn">After the script, until stopped.</param>
    /// <returns>Whether the balancer lived through it, and whether the script was played to its end.</returns>
    public async Task<(bool IsAlive, bool IsWhole)> PlayAsync(bool goOn, CancellationToken stop)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        using var loadOver = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _clock.Start();
        Task load = new LoadClient(_address, _clock, _ledger, _meter).RunAsync(loadOver.Token);
        Task<bool> watch = _performance.WatchAsync(over.Token);
        Task view = _view.RunAsync(ReadFrame, over.Token);
        Task<bool> script = PlayScriptAsync(goOn, over.Token);
        await Task.WhenAny(script, watch, view).ConfigureAwait(false);
        // While the last requests are answered, the worker is still watched.
        await loadOver.CancelAsync().ConfigureAwait(false);
        await load.ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        await view.ConfigureAwait(false);
        return (await watch.ConfigureAwait(false), await script.ConfigureAwait(false));
    }

    public Task StopAsync() => _balancer.StopAsync();

    public void Dispose() => _admin.Dispose();

    public Frame ReadFrame()
    {
        TimeSpan now = _clock.Elapsed;
        (ImmutableArray<Traffic> servers, Traffic all) = _meter.Read(now);
        StatusReport? status = _performance.Status;
        ImmutableArray<ServerRow> rows = [.. _servers.Select((server, i) => Row(server.Name, status, servers[i]))];
        return new Frame(
            now, _length, _address.ToString(), _balancer.Pid, _performance.Worker, _performance.Narration, rows, all, _ledger.Results());
    }

    private static ServerRow Row(string name, StatusReport? status, Traffic traffic)
    {
        ServerStatus? server = status?.FindServer(DemoConfiguration.Pool, name);
        return new ServerRow(name, server?.State ?? "unknown", server?.Reason ?? "", LastCheck(server), traffic);
    }

    /// <summary>With the time it took; where it took too long, it says so itself.</summary>
    private static string LastCheck(ServerStatus? server) => server is not { State: "up", LastCheck.Length: > 0 }
        ? server?.LastCheck ?? ""
        : string.Create(CultureInfo.InvariantCulture, $"{server.LastCheck} in {server.LastCheckMilliseconds:0.0} ms");

    private async Task<bool> PlayScriptAsync(bool goOn, CancellationToken stop)
    {
        try
        {
            await _performance.PlayAsync(Script.For(_length), stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        if (!goOn) return true;
        _performance.Say(
            $"That was the script; the balancer goes on until Ctrl-C. Try it from another terminal: curl http://{_address}/");
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return true;
    }
}
