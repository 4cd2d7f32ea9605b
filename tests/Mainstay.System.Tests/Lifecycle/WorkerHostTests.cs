using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Worker;

namespace Mainstay.System.Tests.Lifecycle;

public class WorkerHostTests
{
    /// <summary>A reload and an order to leave shortly after it ended the worker at once, and with it all that was under way.</summary>
    [Fact]
    public async Task Apply_ToldToLeaveMeanwhile_AbandonsAndCanBeDrained()
    {
        using var leaving = new CancellationTokenSource();
        var plane = new CancellablePlane(leaving);
        var host = new WorkerHost([plane], new NoListeners(), _ => { });
        CompiledConfiguration compiled = EchoConfiguration.Compile("", "state /tmp\nanswer x"u8.ToArray());
        Assert.NotNull(compiled.Snapshot);

        IReadOnlyList<string> errors = await host.ApplyAsync(compiled.Snapshot, leaving.Token);
        await host.DrainAsync(TimeSpan.Zero);

        Assert.Equal([WorkerHost.Leaving], errors);
        Assert.Equal(["prepare", "abandon", "drain"], plane.Calls);
        Assert.Null(host.InForce);
    }

    private sealed class CancellablePlane(CancellationTokenSource leaving) : IPlane
    {
        public List<string> Calls { get; } = [];

        public bool IsAlive => true;

        public Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
        {
            Calls.Add("prepare");
            leaving.Cancel();
            cancel.ThrowIfCancellationRequested();
            return Task.FromResult<IReadOnlyList<string>>([]);
        }

        public Task PublishAsync(CancellationToken hurry)
        {
            Calls.Add("publish");
            return Task.CompletedTask;
        }

        public void Abandon() => Calls.Add("abandon");

        public Task DrainAsync(TimeSpan timeout)
        {
            Calls.Add("drain");
            return Task.CompletedTask;
        }
    }

    private sealed class NoListeners : IListenerSource
    {
        public Task<ListenerSockets> OpenAsync(Endpoint endpoint, int count, SocketKind kind = SocketKind.Stream) => Task.FromResult(ListenerSockets.Failed("none"));
    }
}
