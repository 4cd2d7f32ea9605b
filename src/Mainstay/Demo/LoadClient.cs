using System.Diagnostics;
using System.Net;
using System.Threading.Channels;

namespace Mainstay.Demo;

/// <summary>
/// The demo's users: a steady rate of requests over a bounded number of keep-alive connections. What is due while all of them are busy
/// waits for the next free one.
/// </summary>
internal sealed class LoadClient(IPEndPoint target, Stopwatch clock, Ledger ledger, TrafficMeter meter)
{
    /// <summary>Header in which the demo's servers say their name.</summary>
    public const string ServedBy = "Served-By";

    public const int RequestsPerSecond = 300;

    /// <summary>A hung server holds some of them until its requests time out.</summary>
    private const int Connections = 32;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    /// <summary>After a pause of this whole process, what should have been sent meanwhile is not made up for.</summary>
    private const int MaxBurst = RequestsPerSecond / 10;

    private readonly Channel<bool> _due = Channel.CreateBounded<bool>(Connections);

    /// <summary>Ends when cancelled, after the last request has been answered.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        Task[] users = [.. Enumerable.Range(0, Connections).Select(_ => UseAsync())];
        await PaceAsync(stop).ConfigureAwait(false);
        _due.Writer.Complete();
        await Task.WhenAll(users).ConfigureAwait(false);
    }

    private async Task PaceAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Tick);
        TimeSpan last = clock.Elapsed;
        double due = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                TimeSpan now = clock.Elapsed;
                due = Math.Min(due + ((now - last).TotalSeconds * RequestsPerSecond), MaxBurst);
                last = now;
                while (due >= 1 && _due.Writer.TryWrite(true)) due--;
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the demo.
        }
    }

    private async Task UseAsync()
    {
        using var connection = new ClientConnection(target);
        while (await _due.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_due.Reader.TryRead(out _)) await ExchangeAsync(connection).ConfigureAwait(false);
        }
    }

    private async Task ExchangeAsync(ClientConnection connection)
    {
        TimeSpan sent = clock.Elapsed;
        ClientResult result = await connection.GetAsync().ConfigureAwait(false);
        // RFC 9110 section 9.2.2: an idempotent request may be sent again when the connection went before the response; as browsers do,
        // once, and only where the connection had been idle: it may have been closed before the request came.
        bool isRetried = result.WasIdleAndClosed;
        if (isRetried) result = await connection.GetAsync().ConfigureAwait(false);
        TimeSpan ended = clock.Elapsed;
        if (result.Server.Length > 0) meter.OnAnswer(ended, result.Server, ended - sent);
        if (result.Status == 200) ledger.OnAnswered(sent, ended, isRetried);
        else ledger.OnFailed(new Failure(sent, ended, result.Status > 0 ? $"HTTP {result.Status}" : result.Error));
    }
}
