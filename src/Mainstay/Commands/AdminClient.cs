using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Mainstay.Admin;

namespace Mainstay.Commands;

/// <summary>The running daemon, as a command sees it.</summary>
/// <param name="path">Of its admin socket.</param>
internal sealed class AdminClient(string path) : IDisposable
{
    /// <summary>A worker that is being replaced answers from its successor: a while, but not for ever.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A second worker serves after its first round of checks; that takes seconds where a server hangs.</summary>
    private static readonly TimeSpan LongestUpgrade = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _http = Connect(path, Patience);

    /// <summary>HTTP over the unix socket; opens its connections when they are needed.</summary>
    public static HttpClient Connect(string path, TimeSpan patience) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, cancel) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    })
    {
        Timeout = patience,
        BaseAddress = new Uri("http://localhost/"),
    };

    /// <summary>The answer's text where it is JSON of that type; null when the daemon said no, which is in <paramref name="refusal"/>.</summary>
    /// <exception cref="UnreachableException">Nobody answers.</exception>
    public T? Get<T>(string target, JsonTypeInfo<T> type, out string refusal)
        where T : class => Send(() => new HttpRequestMessage(HttpMethod.Get, target), text => JsonSerializer.Deserialize(text, type), out refusal);

    /// <exception cref="UnreachableException">Nobody answers.</exception>
    public T? Post<T>(string target, string body, JsonTypeInfo<T> type, out string refusal)
        where T : class => Send(
            () => new HttpRequestMessage(HttpMethod.Post, target) { Content = new StringContent(body, Encoding.UTF8, "text/plain") },
            text => JsonSerializer.Deserialize(text, type),
            out refusal);

    /// <summary>An answer that is plain text.</summary>
    /// <exception cref="UnreachableException">Nobody answers.</exception>
    public string? GetText(string target, out string refusal) => Send(() => new HttpRequestMessage(HttpMethod.Get, target), text => text, out refusal);

    public void Dispose() => _http.Dispose();

    private T? Send<T>(Func<HttpRequestMessage> request, Func<string, T?> read, out string refusal)
        where T : class
    {
        try
        {
            using HttpResponseMessage response = SendUntilTaken(request);
            string text = response.Content.ReadAsStringAsync().GetAwaiter().GetResult();
            refusal = response.IsSuccessStatusCode ? "" : Reason(text);
            return response.IsSuccessStatusCode ? read(text) : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException)
        {
            string reason = File.Exists(path) ? (e.InnerException ?? e).Message : "there is no such socket";
            throw new UnreachableException($"no daemon answers at {path}: {reason} (is it running? --socket names another)", e);
        }
    }

    /// <summary>503: a second worker is taking over, and will answer here in a moment.</summary>
    private HttpResponseMessage SendUntilTaken(Func<HttpRequestMessage> request)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            using HttpRequestMessage attempt = request();
            HttpResponseMessage response = _http.SendAsync(attempt).GetAwaiter().GetResult();
            if (response.StatusCode != HttpStatusCode.ServiceUnavailable || clock.Elapsed >= LongestUpgrade) return response;
            response.Dispose();
            Thread.Sleep(RetryInterval);
        }
    }

    private static string Reason(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, AdminJson.Default.Refusal)?.Error ?? json;
        }
        catch (JsonException)
        {
            return json;
        }
    }
}

/// <summary>The daemon cannot be reached: exit code 3.</summary>
internal sealed class UnreachableException(string message, Exception? cause) : Exception(message, cause);
