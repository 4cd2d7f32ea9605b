namespace Mainstay.Worker;

/// <summary>
/// The time in which a second worker starts in this one's place: it has read the state that is kept, and would not learn of an order
/// that this one still took. So orders are refused meanwhile, to be given again to the one that serves then. Any thread.
/// </summary>
public sealed class Handover
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _quiet;
    private int _orders;

    /// <summary>Writes down what the second worker reads, and nothing after that.</summary>
    public Func<Task> LeaveState { get; set; } = () => Task.CompletedTask;

    /// <summary>Takes <see cref="LeaveState"/> back.</summary>
    public Action TakeBackState { get; set; } = () => { };

    public bool IsUnderWay
    {
        get
        {
            lock (_gate) return field;
        }
        private set;
    }

    /// <summary>Completes when the orders that were taken before are carried out and kept; from now on none is taken.</summary>
    public async Task BeginAsync()
    {
        Task quiet = Task.CompletedTask;
        lock (_gate)
        {
            IsUnderWay = true;
            if (_orders > 0) quiet = (_quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        await quiet.ConfigureAwait(false);
        await LeaveState().ConfigureAwait(false);
    }

    /// <summary>The second worker did not come to serve: this one goes on as before.</summary>
    public void Cancel()
    {
        TakeBackState();
        lock (_gate) IsUnderWay = false;
    }

    /// <summary>False: not now. True: the order may be carried out, then <see cref="EndOrder"/>.</summary>
    public bool TryBeginOrder()
    {
        lock (_gate)
        {
            if (IsUnderWay) return false;
            _orders++;
            return true;
        }
    }

    public void EndOrder()
    {
        lock (_gate)
        {
            if (--_orders > 0) return;
            _quiet?.SetResult();
            _quiet = null;
        }
    }
}
