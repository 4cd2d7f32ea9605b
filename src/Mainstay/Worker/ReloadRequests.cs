using Mainstay.Admin;

namespace Mainstay.Worker;

/// <summary>Those who asked for a reload and wait for how it went. Any thread.</summary>
internal sealed class ReloadRequests
{
    private readonly Lock _gate = new();
    private readonly List<TaskCompletionSource<ReloadOutcome>> _waiting = [];
    private string? _closedBecause;

    /// <summary>Completes with the next reload that ends.</summary>
    public Task<ReloadOutcome> Add()
    {
        lock (_gate)
        {
            if (_closedBecause is { } reason) return Task.FromResult(new ReloadOutcome(false, [reason]));
            var request = new TaskCompletionSource<ReloadOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add(request);
            return request.Task;
        }
    }

    public void Complete(ReloadOutcome outcome)
    {
        lock (_gate)
        {
            foreach (TaskCompletionSource<ReloadOutcome> request in _waiting) request.SetResult(outcome);
            _waiting.Clear();
        }
    }

    /// <summary>There will be no further reload.</summary>
    public void Close(string reason)
    {
        lock (_gate) _closedBecause = reason;
        Complete(new ReloadOutcome(false, [reason]));
    }
}
