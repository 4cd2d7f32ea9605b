using System.Collections.Immutable;
using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;
using Mainstay.Core.Rules;

namespace Mainstay.Engine.Http.Protect;

/// <summary>Adds up what each address asks and bans the ones that ask too much. Shared by all shards.</summary>
internal sealed class DosDetector
{
    private readonly DetectorSnapshot _snapshot;
    private readonly ProtectionTables _tables;
    private readonly LimitState _state;
    private readonly string _name;
    private readonly int _v6PrefixLength;
    private readonly long _period;
    private readonly ImmutableArray<RequestWeights> _weights;
    private readonly byte[] _statusWeights = [];
    private readonly int[] _amounts = [];

    public DosDetector(DetectorSnapshot snapshot, int v6PrefixLength, string service, int shards, ProtectionTables tables)
    {
        _snapshot = snapshot;
        _tables = tables;
        _name = service;
        _v6PrefixLength = v6PrefixLength;
        _state = tables.Limit($"{service}/dos-detector", snapshot.Keys);
        _period = (long)snapshot.Period.TotalNanoseconds;
        _weights = [.. Enumerable.Range(0, shards).Select(_ => new RequestWeights(snapshot.Weights))];
        if (snapshot.Statuses.IsEmpty) return;
        _amounts = [0, .. snapshot.Statuses.Select(rule => rule.Weight)];
        _statusWeights = [.. Enumerable.Range(0, 600).Select(status =>
            (byte)(1 + snapshot.Statuses.ToList().FindIndex(rule => rule.Status.Any(range => status >= range.From && status <= range.To))))];
    }

    /// <summary>Addresses that reached the threshold, banned or with a dry run not.</summary>
    public long Detected => _state.Refused;

    public long Displaced => _state.Words.Displaced;

    /// <summary>A request has come. True: its address is banned from now on.</summary>
    public bool NoteRequest(in RuleInput input, NetAddress client, int shard, Instant now, long unixNanoseconds) =>
        Note(client, _weights[shard].Of(input), shard, now, unixNanoseconds);

    /// <summary>A response has ended.</summary>
    public void NoteStatus(int status, NetAddress client, int shard, Instant now, long unixNanoseconds)
    {
        if ((uint)status >= (uint)_statusWeights.Length || _statusWeights[status] == 0) return;
        Note(client, _amounts[_statusWeights[status]], shard, now, unixNanoseconds);
    }

    private bool Note(NetAddress client, int weight, int shard, Instant now, long unixNanoseconds)
    {
        if (weight == 0) return false;
        NetAddress prefix = client.IsV6 ? client.Truncate(_v6PrefixLength) : client;
        ulong key = _tables.Hash.Of(prefix);
        var window = new SlidingWindow(_period, _snapshot.Threshold, weight);
        if (!_state.Words.Apply(key, now.Nanoseconds, ref window, out _)) return false;
        return Detect(key, prefix, window.Sum, shard, unixNanoseconds);
    }

    private bool Detect(ulong key, NetAddress client, long sum, int shard, long unixNanoseconds)
    {
        // From the beginning again: after its ban an address has as much as any other.
        var forget = default(Forgetting);
        _state.Words.Apply(key, 0, ref forget, out _);
        long second = unixNanoseconds / 1_000_000_000;
        string reason = $"{sum} in {_snapshot.Period.TotalSeconds:0.###} s";
        if (_snapshot.DryRun)
        {
            _state.CountRefused(shard);
            var range = new AddressRange(client, client.IsV6 ? _v6PrefixLength : client.Bits);
            _tables.Announce(new Ban(range, _snapshot.Ban.Action, 1, second, second, second, _name, reason), true);
            return false;
        }

        if (_tables.Bans.Add(client, _snapshot.Ban, _name, reason, second) is not { } ban) return true;
        _state.CountRefused(shard);
        _tables.Announce(ban, false);
        return true;
    }

    private readonly struct Forgetting : IWordRule
    {
        public bool Apply(ref long word, long now)
        {
            word = 0;
            return true;
        }

        public long Weight(long word, long now) => word;
    }
}
