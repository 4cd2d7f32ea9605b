using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Mainstay.Admin;

/// <summary>
/// One Kestrel on one listening socket. It starts with the first connection: it is some megabytes and much of a start's time, and
/// many a worker is never asked.
/// </summary>
internal sealed class AdminServer
{
    /// <summary>Bodies of requests carry at most a reason.</summary>
    private const int MaxBody = 64 * 1024;

    private readonly EventLoop _loop;
    private readonly FirstConnection _first;
    private readonly Task<WebApplication?> _starting;

    /// <param name="descriptor">A listening socket; the server's from here on.</param>
    /// <param name="isPrivate">Guarded by file permissions; else any local program, a browser among them, can connect.</param>
    /// <param name="loop">Waits for the first connection.</param>
    public AdminServer(int descriptor, AdminApi api, bool isPrivate, EventLoop loop, Action<string> onError)
    {
        _loop = loop;
        _first = new FirstConnection(loop, descriptor);
        _loop.Post(_first);
        _starting = StartAsync(descriptor, api, isPrivate, onError);
    }

    public async Task StopAsync()
    {
        _loop.Post(_first, number: FirstConnection.Cancel);
        if (await _starting.ConfigureAwait(false) is not { } application) return;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await application.StopAsync(patience.Token).ConfigureAwait(false);
        await application.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<WebApplication?> StartAsync(int descriptor, AdminApi api, bool isPrivate, Action<string> onError)
    {
        if (!await _first.Came.ConfigureAwait(false)) return null;
        try
        {
            WebApplication application = Build(descriptor, api, isPrivate);
            await application.StartAsync().ConfigureAwait(false);
            return application;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            onError(e.Message);
            return null;
        }
    }

    private static WebApplication Build(int descriptor, AdminApi api, bool isPrivate)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // Signals are the keeper's and the worker's; the default lifetime would take SIGTERM and end the process.
        builder.Services.AddSingleton<Microsoft.Extensions.Hosting.IHostLifetime, NoLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MaxBody;
            options.Limits.MaxConcurrentConnections = 100;
            options.ListenHandle((ulong)descriptor, listen => listen.Protocols = HttpProtocols.Http1);
        });
        WebApplication application = builder.Build();
        application.Run(context => api.AnswerAsync(context, isPrivate));
        return application;
    }

    /// <summary>Watches a listening socket until somebody connects, or nobody need wait any more.</summary>
    private sealed class FirstConnection : Channel, ILoopReceiver
    {
        public const long Cancel = 1;

        private readonly EventLoop _loop;
        private readonly TaskCompletionSource<bool> _came = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public FirstConnection(EventLoop loop, int descriptor) => (_loop, Descriptor) = (loop, descriptor);

        /// <summary>False: cancelled, and the socket is closed.</summary>
        public Task<bool> Came => _came.Task;

        public override void OnReady(IoEvents events) => End(came: true);

        public void OnMessage(object? content, long number)
        {
            if (number == Cancel) End(came: false);
            else if (_loop.Register(this, IoEvents.In) < 0) End(came: true);
        }

        private void End(bool came)
        {
            if (_came.Task.IsCompleted) return;
            // The keeper has the same socket open, so closing the descriptor alone would leave the watch.
            _loop.Unregister(this, staysOpen: true);
            if (!came) Linux.Descriptor.Close(Descriptor);
            _came.SetResult(came);
        }
    }

    private sealed class NoLifetime : Microsoft.Extensions.Hosting.IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
