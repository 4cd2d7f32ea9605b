using System.Globalization;
using System.Text;
using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Probing;

/// <summary>Runs a program: exit code 0 is good. Killed with its whole process group when its time is over.</summary>
internal sealed class ExecProbe(ProbeContext context, ProbedServer server) : Probe(context, server)
{
    /// <summary>pidfd and pipe.</summary>
    private const int DescriptorsEach = 2;

    private ExecRun? _run;

    public override CheckOutcome? Start()
    {
        if (!TryTakeDescriptor(out CheckOutcome outcome)) return outcome;
        Context.DescriptorsInUse += DescriptorsEach - 1;
        _run = new ExecRun(this, Context.Loop, Request());
        _run.Begin();
        return null;
    }

    public override CheckOutcome TimeOut()
    {
        string said = _run?.FirstLine is { Length: > 0 } line ? $"; it said {line}" : "";
        Cancel();
        string limit = WireText.Duration(Server.Check.Timeout);
        return new(CheckLayer.Program, CheckCause.TimedOut, $"timeout after {limit}: {Server.Check.Command[0]} killed{said}");
    }

    public override void Cancel()
    {
        _run?.Kill();
        _run = null;
    }

    public override void OnReady(IoEvents events)
    {
    }

    internal void OnEnded(ExecRun run, in CheckOutcome outcome)
    {
        Context.DescriptorsInUse -= DescriptorsEach;
        if (run != _run) return;
        _run = null;
        Server.OnProbed(outcome);
    }

    private SpawnRequest Request()
    {
        return new SpawnRequest
        {
            Path = Server.Check.Command[0],
            Arguments = [.. Server.Check.Command],
            Environment = SpawnRequest.CurrentEnvironment(
                ("MAINSTAY_POOL", Server.Runtime.Pool),
                ("MAINSTAY_SERVER", Server.Runtime.Name),
                ("MAINSTAY_ADDRESS", AddressText()),
                ("MAINSTAY_PORT", PortText())),
            OwnGroup = true,
        };
    }

    private string AddressText() => Server.Runtime.Endpoint is { UnixPath: { } path }
        ? path
        : Server.Runtime.Resolved is { } resolved ? resolved.Address.Address.ToString() : Server.Runtime.Endpoint.HostName ?? "";

    private string PortText()
    {
        int port = Server.Check.Port != 0 ? Server.Check.Port : Server.Runtime.Endpoint.Port;
        return port == 0 ? "" : port.ToString(CultureInfo.InvariantCulture);
    }
}

/// <summary>
/// One run of a program, from its start to its burial, which may come after the check has ended. The start happens on another
/// thread: fork and exec wait for disks.
/// </summary>
internal sealed class ExecRun(ExecProbe probe, EventLoop loop, SpawnRequest request) : Channel, ILoopReceiver
{
    private const int KeptOutput = 256;

    private readonly byte[] _output = new byte[KeptOutput];
    private int _outputLength;
    private ChildProcess? _child;
    private OutputPipe? _pipe;
    private bool _isKilled;

    /// <summary>Of what it wrote, for reasons; quoted.</summary>
    public string FirstLine
    {
        get
        {
            ReadOnlySpan<byte> text = _output.AsSpan(0, _outputLength);
            int end = text.IndexOfAny((byte)'\n', (byte)'\r');
            if (end >= 0) text = text[..end];
            return text.IsEmpty ? "" : WireText.Quote(text);
        }
    }

    public void Begin() => ThreadPool.UnsafeQueueUserWorkItem(static run => run.Spawn(), this, preferLocal: false);

    /// <summary>The program with all its descendants of the same group; it is buried when it has ended.</summary>
    public void Kill()
    {
        _isKilled = true;
        _child?.SignalGroup(ChildProcess.SignalKill);
    }

    /// <summary>The program has been started, or not.</summary>
    public void OnMessage(object? content, long number)
    {
        if (content is not Spawned { Child: { } child } spawned)
        {
            string error = content is Spawned failed ? failed.Error : "unknown";
            probe.OnEnded(this, new(CheckLayer.Self, CheckCause.Unable, $"{request.Path} cannot be started: {error}"));
            return;
        }

        _child = child;
        Descriptor = child.PidFd;
        _pipe = new OutputPipe(this, spawned.Output);
        _ = loop.Register(_pipe, IoEvents.In | IoEvents.EdgeTriggered);
        _ = loop.Register(this, IoEvents.In);
        if (_isKilled) Kill();
    }

    /// <summary>The program has ended. What it left behind in its group ends with it, before its number can be given to another.</summary>
    public override void OnReady(IoEvents events)
    {
        if (_child is not { } child) return;
        child.SignalGroup(ChildProcess.SignalKill);
        if (!child.TryReap(out ExitStatus status)) return;
        _pipe?.ReadAll();
        _pipe?.Close(loop);
        loop.Unregister(this);
        Descriptor = -1;
        child.Dispose();
        probe.OnEnded(this, Judge(status));
    }

    private CheckOutcome Judge(ExitStatus status)
    {
        string said = FirstLine is { Length: > 0 } line ? $": {line}" : "";
        return status.IsSuccess
            ? CheckOutcome.Pass(CheckLayer.Program, $"exit code 0{said}")
            : new(CheckLayer.Program, CheckCause.Unexpected, $"{status}{said}");
    }

    private void Spawn()
    {
        Spawned result;
        int read = -1, write = -1;
        try
        {
            (read, write) = Files.CreatePipe();
            SpawnRequest complete = request with
            {
                Descriptors = [new(DescriptorMapping.DevNull, 0), new(write, 1), new(write, 2)],
            };
            Errno error = ChildProcess.TrySpawn(complete, out ChildProcess? child);
            result = new Spawned(child, read, error.Describe());
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            result = new Spawned(null, read, e.Message);
        }

        if (write >= 0) Linux.Descriptor.Close(write);
        if (result.Child is null && read >= 0) Linux.Descriptor.Close(read);
        loop.Post(this, result);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        int length = Math.Min(bytes.Length, _output.Length - _outputLength);
        bytes[..length].CopyTo(_output.AsSpan(_outputLength));
        _outputLength += length;
    }

    private sealed record Spawned(ChildProcess? Child, int Output, string Error);

    /// <summary>Takes in everything, so that no program blocks on writing; keeps the beginning.</summary>
    private sealed class OutputPipe : Channel
    {
        /// <summary>Read at once at most: a program that writes without end must not hold up the loop.</summary>
        private const int ReadsAtOnce = 16;

        private readonly ExecRun _run;
        private readonly byte[] _buffer = new byte[4096];

        public OutputPipe(ExecRun run, int descriptor)
        {
            _run = run;
            Descriptor = descriptor;
        }

        public override void OnReady(IoEvents events)
        {
            if (!ReadAll()) _run.Loop.RunSoon(this);
        }

        public override void OnTurn() => OnReady(IoEvents.In);

        /// <summary>False when there may be more.</summary>
        public bool ReadAll()
        {
            for (int i = 0; i < ReadsAtOnce; i++)
            {
                int count = Linux.Descriptor.Read(Descriptor, _buffer);
                if (count <= 0) return true;
                _run.Keep(_buffer.AsSpan(0, count));
            }

            return false;
        }

        public void Close(EventLoop loop)
        {
            loop.Unregister(this);
            Linux.Descriptor.Close(Descriptor);
            Descriptor = -1;
        }
    }

    private EventLoop Loop => loop;
}
