using Mainstay.Core;
using Mainstay.Core.Health;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Probing;

public sealed partial class Prober
{
    /// <summary>
    /// Keeps the state file up to date: soon after a change, and now and then anyway so that its age tells how long Mainstay was away.
    /// The loop's thread collects, another one writes; one write at a time.
    /// </summary>
    private sealed class StateKeeper(Prober prober) : TimerNode
    {
        /// <summary>Changes within so long are written together.</summary>
        private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(200);

        private readonly SemaphoreSlim _writing = new(1);
        private bool _isTouched;
        private volatile bool _isClosed;
        private string? _lastError;

        /// <summary>Loop's thread: something has changed.</summary>
        public void Touch()
        {
            if (prober._store is null || _isTouched || _isClosed) return;
            _isTouched = true;
            prober.Loop.Arm(this, prober.Loop.Now + Settling);
        }

        public override void OnDeadline(Instant now)
        {
            _isTouched = false;
            if (_isClosed) return;
            prober.Loop.Arm(this, now + HealthStateFile.RefreshInterval);
            List<KeptServer> servers = Collect();
            _ = Task.Run(() => WriteAsync(servers));
        }

        /// <summary>Completes when the state of now is on the disk, or cannot be.</summary>
        public async Task SaveNowAsync()
        {
            if (prober._store is null || _isClosed) return;
            await WriteAsync(await prober.AskAsync(Collect).ConfigureAwait(false)).ConfigureAwait(false);
        }

        public async Task CloseAsync()
        {
            await SaveNowAsync().ConfigureAwait(false);
            _isClosed = true;
        }

        /// <summary>After <see cref="CloseAsync"/>: the file is this worker's again.</summary>
        public void Reopen()
        {
            _isClosed = false;
            prober.Post(Touch);
        }

        private List<KeptServer> Collect()
        {
            var servers = new List<KeptServer>();
            foreach (ProbedPool pool in prober._pools.Values)
            {
                foreach (ProbedServer server in pool.Servers)
                {
                    HealthMachine machine = server.Machine;
                    if (!machine.Policy.IsChecked && machine.Order == ServerOrder.None) continue;
                    servers.Add(new KeptServer(
                        server.Runtime.Pool,
                        server.Runtime.Name,
                        new LastKnown(machine.Health, machine.HealthReason, machine.Order, machine.OrderReason)));
                }
            }

            return servers;
        }

        private async Task WriteAsync(List<KeptServer> servers)
        {
            if (prober._store is not { } store) return;
            await _writing.WaitAsync().ConfigureAwait(false);
            try
            {
                string? error = store.Save(servers, DateTimeOffset.UtcNow);
                if (error is not null && error != _lastError) prober.Post(() => prober._announce(new HealthNotice(true, error)));
                _lastError = error;
            }
            finally
            {
                _writing.Release();
            }
        }
    }
}
