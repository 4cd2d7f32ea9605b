using System.Net.Http.Json;
using System.Text.Json;
using Mainstay.Admin;
using Mainstay.Commands;
using Mainstay.Engine.Control;

namespace Mainstay.Demo;

/// <summary>The balancer's admin socket, asked all the time, also while there is no worker to answer.</summary>
internal sealed class DemoAdmin(string socket) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = AdminClient.Connect(socket, Patience);

    /// <summary>Null while nobody answers.</summary>
    public async Task<StatusReport?> TryGetStatusAsync(CancellationToken cancel)
    {
        try
        {
            return await _http.GetFromJsonAsync("api/status", AdminJson.Default.StatusReport, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <param name="order"><c>drain</c> or <c>enable</c>.</param>
    public async Task<bool> TryOrderAsync(string server, string order, string reason, CancellationToken cancel)
    {
        try
        {
            using var body = new StringContent(reason);
            using HttpResponseMessage response = await _http
                .PostAsync($"api/pools/{DemoConfiguration.Pool}/servers/{server}/{order}", body, cancel).ConfigureAwait(false);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancel.IsCancellationRequested))
        {
            return false;
        }
    }

    public void Dispose() => _http.Dispose();
}
