using Mainstay.Core;
using Mainstay.Core.Http;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>After 101: bytes both ways until both sides have ended (WebSocket and other upgrades).</summary>
internal sealed partial class Exchange
{
    private const int TunnelBytesPerTurn = 512 * 1024;

    private bool _clientEnded;
    private bool _serverEnded;

    private bool BeginTunnel(int headLength, int start, int end)
    {
        // A server that switches before it has the whole request.
        if (HasKeptToSend) return FailResponse(RejectReason.UnexpectedUpgrade);
        _client.BecomeTunnel();
        _upstream!.BecomeTunnel();
        _phase = ExchangePhase.Tunnel;
        _responseBegun = true;
        _clientFraming = BodyKind.UntilClose;
        _clientEnded = _serverEnded = false;
        _totalDeadline = Instant.Never;
        ArmFor(Upstream.Tunnel);
        if (!SendToClient(shard.Output[..headLength], headLength)) return false;
        if (start < end && !SendToClient(shard.Input[start..end])) return false;

        // What the client sent ahead of the 101 belongs to the tunnel.
        return _client.TryPassAhead(_upstream!) || EndTunnel(OutcomeCause.ServerReset);
    }

    private void PumpTunnel()
    {
        if (!Move(_client, _upstream!, ref _clientEnded, ref _bytesFromClient, OutcomeCause.ServerReset, OutcomeCause.ClientReset)) return;
        if (!Move(_upstream!, _client, ref _serverEnded, ref _bytesToClient, OutcomeCause.ClientReset, OutcomeCause.ServerReset)) return;
        if (_clientEnded && _serverEnded && !_client.HasUnsent && !_upstream!.HasUnsent) EndTunnel(OutcomeCause.Completed);
    }

    /// <summary>One direction: flush, then read and send until one of them says stop. False when the exchange has ended.</summary>
    private bool Move(
        IPeerStream from, IPeerStream to, ref bool hasEnded, ref long bytes, OutcomeCause sendFailure, OutcomeCause receiveFailure)
    {
        if (to.HasUnsent && to.Flush() == SendResult.Failed) return EndTunnel(sendFailure);
        for (int budget = TunnelBytesPerTurn; from.IsReadable && !hasEnded && !to.HasUnsent;)
        {
            if (budget <= 0)
            {
                from.RunSoon();
                return true;
            }

            int count = from.Receive(shard.Input);
            if (count == -(int)Errno.EAGAIN) return true;
            if (count < 0) return EndTunnel(receiveFailure);
            if (count == 0)
            {
                hasEnded = true;
                to.EndSending();
                return true;
            }

            budget -= count;
            bytes += count;
            ArmFor(Upstream.Tunnel);
            if (to.Send(shard.Input[..count], headLength: 0, isEnd: false) == SendResult.Failed) return EndTunnel(sendFailure);
        }

        return true;
    }

    private bool EndTunnel(OutcomeCause cause)
    {
        Count(ref _lane!.Counters.Requests);
        Count(ref _lane.Counters.Statuses[1]);
        End(cause);
        DropUpstream();
        _client.OnExchangeAborted(reset: false);
        return false;
    }
}
