using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Mainstay.Admin;

/// <summary>One Kestrel on one listening socket.</summary>
internal sealed class AdminServer
{
    /// <summary>Bodies of requests carry at most a reason.</summary>
    private const int MaxBody = 64 * 1024;

    private readonly Task<WebApplication?> _starting;

    private AdminServer(Task<WebApplication?> starting) => _starting = starting;

    /// <summary>Returns at once; the server starts on another thread.</summary>
    /// <param name="descriptor">A listening socket; the server's from here on.</param>
    /// <param name="isPrivate">Guarded by file permissions; else any local program, a browser among them, can connect.</param>
    public static AdminServer Start(int descriptor, AdminApi api, bool isPrivate, Action<string> onError) => new(Task.Run(async () =>
    {
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
    }));

    public async Task StopAsync()
    {
        if (await _starting.ConfigureAwait(false) is not { } application) return;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await application.StopAsync(patience.Token).ConfigureAwait(false);
        await application.DisposeAsync().ConfigureAwait(false);
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

    private sealed class NoLifetime : Microsoft.Extensions.Hosting.IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
