using System.Net;
using Mainstay.Core.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Endpoint = Mainstay.Core.Net.Endpoint;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>A server by an implementation that is not ours, which speaks nothing but HTTP/2 without TLS.</summary>
internal sealed class KestrelServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private int _connections;

    private KestrelServer()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.Use(next => connection =>
                {
                    Interlocked.Increment(ref _connections);
                    return next(connection);
                });
            });
        });
        _application = builder.Build();
        _application.Run(Answer);
    }

    public Endpoint Address => Endpoint.Ip(NetAddress.V4(0x7F000001), new Uri(_application.Urls.First()).Port);

    public int Connections => Volatile.Read(ref _connections);

    public static async Task<KestrelServer> StartAsync()
    {
        var server = new KestrelServer();
        await server._application.StartAsync();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync(new CancellationToken(canceled: true));
        await _application.DisposeAsync();
    }

    private static async Task Answer(HttpContext context)
    {
        HttpRequest request = context.Request;
        switch (request.Path.Value)
        {
            case "/echo":
                context.Response.DeclareTrailer("x-trailer");
                await request.Body.CopyToAsync(context.Response.Body);
                context.Response.AppendTrailer("x-trailer", "after");
                break;
            case "/length":
                context.Response.ContentLength = 5;
                break;
            case "/204" or "/304":
                context.Response.StatusCode = int.Parse(request.Path.Value![1..]);
                break;
            default:
                await context.Response.WriteAsync($"{request.Method} {request.Path}{request.QueryString} {request.Protocol}");
                break;
        }
    }
}
