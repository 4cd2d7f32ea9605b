using System.Text;
using Mainstay.Core.Authentication;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Core.Tls;

namespace Mainstay.Engine.Http;

/// <summary>What came and never became a request: counted and logged.</summary>
internal sealed partial class HttpShard
{
    private static readonly byte[][] s_failures = [.. Enum.GetValues<TlsFailure>().Select(failure => Encoding.ASCII.GetBytes(failure.Label()))];

    /// <summary>A request ended before its head was understood.</summary>
    public void OnHeadRefused(ClientConnection client, Outcome outcome, int bytesToClient, ReadOnlySpan<byte> line = default)
    {
        OnExchangeEnded(client.Service, outcome.Status, outcome, TimeSpan.Zero, 0, bytesToClient);
        if (Log.IsEnabled) LogRefused(client, outcome, bytesToClient, TlsFailure.None, line);
    }

    public void OnProxyHeaderRefused(ClientConnection client, Outcome outcome, ReadOnlySpan<byte> reason)
    {
        _services[client.CountedService].Causes[(int)outcome.Cause]++;
        if (Log.IsEnabled) LogRefused(client, outcome, 0, TlsFailure.None, reason: reason);
    }

    private void LogRefused(ClientConnection client, Outcome outcome, int bytesToClient, TlsFailure failure, ReadOnlySpan<byte> line = default, ReadOnlySpan<byte> reason = default)
    {
        var record = new AccessRecord
        {
            Error = failure == TlsFailure.None ? reason : s_failures[(int)failure],
            UnixMicroseconds = Loop.UnixNanoseconds / 1000,
            Client = client.AddressText,
            RequestLine = line,
            Version = 11,
            Status = outcome.Status,
            BytesOut = bytesToClient,
            Timings = new AccessTimings(-1, -1, -1, 0),
            Service = client.Service.NameText,
            Outcome = outcome,
        };
        Log.Append(Output, record);
    }

    /// <summary>A TLS handshake of a client did not succeed.</summary>
    public void OnHandshakeFailed(ClientConnection client, TlsFailure failure, Outcome outcome)
    {
        ServiceCounters counters = _services[client.CountedService];
        counters.HandshakeFailures[(int)failure]++;

        // Who connects and says nothing is a probe of the network; who begins and breaks off is told of.
        if (failure == TlsFailure.PlainHttp || !client.HasSpoken) return;
        counters.Causes[(int)outcome.Cause]++;
        if (Log.IsEnabled) LogRefused(client, outcome, 0, failure);
    }
}
