using System.Text.Json;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Protection;
using Mainstay.Engine.Control;
using Mainstay.Engine.Probing;
using Mainstay.Worker;
using Microsoft.AspNetCore.Http;

namespace Mainstay.Admin;

/// <summary>How a reload went: <see cref="Errors"/> empty = in force.</summary>
public sealed record ReloadOutcome(bool IsInForce, IReadOnlyList<string> Errors);

/// <summary>Why a request was not carried out.</summary>
public sealed record Refusal(string Error);

/// <summary>
/// The requests that the admin plane understands:
/// <code>
/// GET  /metrics
/// GET  /api/status
/// GET  /api/configuration                                                   on the admin socket only: it may hold secrets
/// POST /api/pools/{pool}/servers/{server}/drain | enable | maintenance      body: the reason, plain text, optional
/// GET  /api/bans
/// POST /api/bans/add                                                        body: {"range": ..., "seconds": ..., "action": ..., "reason": ...}
/// POST /api/bans/remove                                                     body: the range, plain text
/// POST /api/reload
/// </code>
/// Orders are refused with 503 while a second worker is taking over.
/// </summary>
internal sealed class AdminApi(StatusSources sources, Prober prober, Func<Task<ReloadOutcome>> reload, Handover handover, BanList bans)
{
    private const int MaxReason = 200;

    private readonly BansApi _bans = new(bans);

    /// <summary>What is reported about from now on.</summary>
    public void Show(Snapshot snapshot) => sources.Show(snapshot);

    public async Task AnswerAsync(HttpContext context, bool isPrivate)
    {
        HttpRequest request = context.Request;
        if (!isPrivate && !BrowserGuard.Allows(request.Host.Value ?? "", request.Headers.Origin.ToString()))
        {
            await RefuseAsync(context, 403, "refused: the request's Host or Origin is that of another site").ConfigureAwait(false);
            return;
        }

        string[] path = (request.Path.Value ?? "").Split('/', StringSplitOptions.RemoveEmptyEntries);
        Task answer = (request.Method, path) switch
        {
            ("GET", ["metrics"]) => WriteMetricsAsync(context),
            ("GET", ["api", "status"]) => WriteJsonAsync(context, 200, sources.Report(), AdminJson.Plain.StatusReport),
            ("GET", ["api", "configuration"]) when isPrivate => WriteTextAsync(context, sources.WriteConfiguration()),
            ("POST", ["api", "pools", var pool, "servers", var server, var verb]) => OrderAsync(context, pool, server, verb),
            ("GET", ["api", "bans"]) => WriteJsonAsync(context, 200, _bans.List(), AdminJson.Plain.BansReport),
            ("POST", ["api", "bans", "add"]) => AddBanAsync(context),
            ("POST", ["api", "bans", "remove"]) => RemoveBanAsync(context),
            ("POST", ["api", "reload"]) => ReloadAsync(context),
            (_, ["metrics"] or ["api", "status" or "bans"]) => RefuseMethodAsync(context, "GET"),
            (_, ["api", "reload"] or ["api", "bans", "add" or "remove"] or ["api", "pools", _, "servers", _, _]) => RefuseMethodAsync(context, "POST"),
            _ => RefuseAsync(context, 404, "there is nothing at this path"),
        };
        await answer.ConfigureAwait(false);
    }

    private async Task WriteMetricsAsync(HttpContext context)
    {
        context.Response.ContentType = MetricsWriter.ContentType;
        sources.WriteMetrics(context.Response.BodyWriter);
        await context.Response.BodyWriter.FlushAsync().ConfigureAwait(false);
    }

    private async Task OrderAsync(HttpContext context, string pool, string server, string verb)
    {
        ServerOrder? order = verb switch
        {
            "drain" => ServerOrder.Drain,
            "maintenance" => ServerOrder.Maintenance,
            "enable" => ServerOrder.None,
            _ => null,
        };
        if (order is not { } known)
        {
            await RefuseAsync(context, 404, "a server is told to drain, enable or maintenance").ConfigureAwait(false);
            return;
        }

        string reason = await ReadReasonAsync(context.Request).ConfigureAwait(false);
        if (!handover.TryBeginOrder())
        {
            await RefuseForNowAsync(context).ConfigureAwait(false);
            return;
        }

        string? refusal;
        try
        {
            refusal = await prober.OrderAsync(pool, server, known, reason).ConfigureAwait(false);
        }
        finally
        {
            handover.EndOrder();
        }

        if (refusal is not null) await RefuseAsync(context, 404, refusal).ConfigureAwait(false);
        else await WriteJsonAsync(context, 200, sources.Report().FindServer(pool, server), AdminJson.Plain.ServerStatus).ConfigureAwait(false);
    }

    private async Task AddBanAsync(HttpContext context)
    {
        BanOrder? order;
        try
        {
            order = await JsonSerializer.DeserializeAsync(context.Request.Body, AdminJson.Plain.BanOrder, context.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException error)
        {
            await RefuseAsync(context, 400, $"the body is no order to ban: {error.Message}").ConfigureAwait(false);
            return;
        }

        await ChangeBansAsync(context, () => _bans.Add(order, out string problem) is { } ban
            ? WriteJsonAsync(context, 200, ban, AdminJson.Plain.BanReport)
            : RefuseAsync(context, 400, problem)).ConfigureAwait(false);
    }

    private async Task RemoveBanAsync(HttpContext context)
    {
        string range = await ReadReasonAsync(context.Request).ConfigureAwait(false);
        await ChangeBansAsync(context, () => _bans.Remove(range, out string problem) is { } removed
            ? WriteJsonAsync(context, 200, removed, AdminJson.Plain.BansRemoved)
            : RefuseAsync(context, 400, problem)).ConfigureAwait(false);
    }

    private async Task ChangeBansAsync(HttpContext context, Func<Task> change)
    {
        if (!handover.TryBeginOrder())
        {
            await RefuseForNowAsync(context).ConfigureAwait(false);
            return;
        }

        try
        {
            await change().ConfigureAwait(false);
        }
        finally
        {
            handover.EndOrder();
        }
    }

    private async Task ReloadAsync(HttpContext context)
    {
        if (handover.IsUnderWay)
        {
            await RefuseForNowAsync(context).ConfigureAwait(false);
            return;
        }

        ReloadOutcome outcome = await reload().ConfigureAwait(false);
        await WriteJsonAsync(context, outcome.IsInForce ? 200 : 409, outcome, AdminJson.Plain.ReloadOutcome).ConfigureAwait(false);
    }

    private static async Task<string> ReadReasonAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        char[] text = new char[MaxReason];
        int length = await reader.ReadBlockAsync(text).ConfigureAwait(false);
        return new string(text, 0, length).Trim();
    }

    private static Task RefuseMethodAsync(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return RefuseAsync(context, 405, $"this path takes {allowed}");
    }

    /// <summary>The worker that takes over answers on the same socket in a moment.</summary>
    private static Task RefuseForNowAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return RefuseAsync(context, 503, "an upgrade is under way, and the new worker does not serve yet; ask again in a moment");
    }

    private static Task RefuseAsync(HttpContext context, int status, string error) =>
        WriteJsonAsync(context, status, new Refusal(error), AdminJson.Plain.Refusal);

    private static Task WriteTextAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    /// <summary>Ends with a line end: the answer is looked at in terminals too.</summary>
    private static async Task WriteJsonAsync<T>(
        HttpContext context, int status, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await JsonSerializer.SerializeAsync(context.Response.Body, value, type, context.RequestAborted).ConfigureAwait(false);
        await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted).ConfigureAwait(false);
    }
}
