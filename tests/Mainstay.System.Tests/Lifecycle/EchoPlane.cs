using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Worker;

namespace Mainstay.System.Tests.Lifecycle;

/// <summary>
/// A plane that answers lines: <c>who</c> with its process and the configuration's answer; <c>hold</c> keeps the connection open until
/// <c>finish</c>; <c>stall</c> stops the heartbeat; <c>die</c> ends the process.
/// </summary>
internal sealed class EchoPlane : IPlane
{
    private readonly Dictionary<Endpoint, List<Socket>> _listeners = [];
    private readonly Dictionary<Endpoint, List<Socket>> _prepared = [];
    private Snapshot? _next;
    private volatile string _answer = "";
    private volatile bool _isStalled;
    private int _connections;

    public static WorkerParts Parts { get; } = new(EchoConfiguration.Compile, () => { }, _ => [new EchoPlane()]);

    public bool IsAlive => !_isStalled;

    public async Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        _next = next;
        var errors = new List<string>();
        foreach (Endpoint endpoint in next.Http[0].Listen.Select(listener => listener.Address))
        {
            if (_listeners.ContainsKey(endpoint)) continue;
            ListenerSockets sockets = await listeners.OpenAsync(endpoint, next.Process.Shards);
            if (sockets.Error is null)
                _prepared[endpoint] = [.. sockets.Descriptors.Select(fd => new Socket(new SafeSocketHandle(fd, true)))];
            else
                errors.Add($"cannot listen on {endpoint}: {sockets.Error}");
        }

        return errors;
    }

    public Task PublishAsync(CancellationToken hurry)
    {
        Snapshot next = _next ?? throw new InvalidOperationException("nothing is prepared");
        _answer = next.Node;
        foreach (Endpoint gone in _listeners.Keys.Except(next.Http[0].Listen.Select(listener => listener.Address)).ToList())
        {
            foreach (Socket listener in _listeners[gone]) listener.Dispose();
            _listeners.Remove(gone);
        }

        foreach ((Endpoint endpoint, List<Socket> sockets) in _prepared)
        {
            _listeners[endpoint] = sockets;
            foreach (Socket listener in sockets) _ = Task.Run(() => AcceptAsync(listener), CancellationToken.None);
        }

        _prepared.Clear();
        return Task.CompletedTask;
    }

    public void Abandon()
    {
        foreach (Socket listener in _prepared.Values.SelectMany(sockets => sockets)) listener.Dispose();
        _prepared.Clear();
    }

    public async Task DrainAsync(TimeSpan timeout)
    {
        foreach (Socket listener in _listeners.Values.SelectMany(sockets => sockets))
        {
            while (listener.Poll(0, SelectMode.SelectRead)) await Task.Yield();
            listener.Dispose();
        }

        for (var left = timeout; Volatile.Read(ref _connections) > 0 && left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(20))
            await Task.Delay(20);
    }

    private async Task AcceptAsync(Socket listener)
    {
        try
        {
            while (true)
            {
                Socket client = await listener.AcceptAsync();
                Interlocked.Increment(ref _connections);
                _ = Task.Run(() => ServeAsync(client));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The listener was closed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            using var stream = new NetworkStream(client, ownsSocket: true);
            using var reader = new StreamReader(stream);
            while (await reader.ReadLineAsync() is { } line)
            {
                string answer = Answer(line);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer + "\n"));
                if (line is "who" or "finish") return;
            }
        }
        catch (IOException)
        {
            // The client is gone.
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private string Answer(string line)
    {
        switch (line)
        {
            case "stall":
                _isStalled = true;
                return "stalled";
            case "die":
                Environment.Exit(9);
                return "";
            case "hold":
                return "held";
            default:
                return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {_answer}");
        }
    }
}
