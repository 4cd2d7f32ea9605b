using System.Collections.Immutable;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mainstay.Core.Net;
using Mainstay.Keeper;
using Mainstay.Linux;
using Spectre.Console;

namespace Mainstay.Demo;

/// <summary><c>mainstay demo</c>: shows on this machine, without root and without a configuration, what the program is for.</summary>
internal static class DemoCommand
{
    /// <summary>Ports that are tried, when the preferred one and those after it are taken.</summary>
    private const int PortsToTry = 200;

    /// <summary>Another program may take the port between our look and the keeper's.</summary>
    private const int Starts = 5;

    /// <summary>127.0.0.1</summary>
    private const uint Loopback = 0x7F00_0001;

    /// <summary>Long enough that requests overlap, short enough that no one waits.</summary>
    private static readonly TimeSpan[] s_work = [TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(3), TimeSpan.FromMilliseconds(4)];

    /// <summary>Value of <c>--for</c>: 10s, 90s, 2m.</summary>
    public static TimeSpan? ParseLength(ArgumentResult argument)
    {
        string text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
        (double seconds, string number) = text switch
        {
            [.. var digits, 'm', 's'] => (0.001, digits),
            [.. var digits, 's'] => (1, digits),
            [.. var digits, 'm'] => (60, digits),
            [.. var digits, 'h'] => (3600, digits),
            _ => (0.0, ""),
        };
        if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count))
        {
            TimeSpan length = TimeSpan.FromSeconds(count * seconds);
            if (length >= Script.Shortest && length <= Script.Longest) return length;
        }

        argument.AddError($"--for takes a duration from {Script.Shortest.TotalSeconds:0}s to {Script.Longest.TotalHours:0}h, such as 10s or 2m");
        return null;
    }

    /// <summary>Prints what <c>--print-config</c> is asked for.</summary>
    public static int PrintConfiguration(TextWriter output)
    {
        const int port = DemoConfiguration.PreferredPort;
        output.Write(DemoConfiguration.ForPeople(port, [port + 1, port + 2, port + 3]));
        return 0;
    }

    /// <summary>0: no request failed that need not have. 1: some did, or the demo could not be played. On the main thread.</summary>
    /// <param name="length">Of the script; null = as usual, and in a terminal it goes on afterwards.</param>
    public static int Run(TimeSpan? length, TextWriter output, TextWriter error)
    {
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration interrupt = StopOn(PosixSignal.SIGINT, stop);
        using PosixSignalRegistration terminate = StopOn(PosixSignal.SIGTERM, stop);
        using PosixSignalRegistration hangUp = StopOn(PosixSignal.SIGHUP, stop);
        bool isTerminal = !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi;
        IDemoView view = isTerminal ? new LiveView(AnsiConsole.Console) : new PlainView(output);
        output.WriteLine("Starting three web servers and a balancer on this machine ...");
        for (int start = 1; start <= Starts; start++)
        {
            if (FreePorts(DemoConfiguration.PreferredPort, 1 + DemoConfiguration.Servers.Length) is not { } ports) break;
            if (TryRun(ports, length ?? Script.Usual, goOn: isTerminal && length is null, view, output, error, stop.Token) is { } code) return code;
        }

        error.WriteLine("mainstay: the demo found no free ports on 127.0.0.1 from 8080 on");
        return 1;
    }

    /// <summary>The first run of free ports from this one on.</summary>
    internal static ImmutableArray<int>? FreePorts(int from, int count)
    {
        var found = new List<int>();
        for (int port = from; port < from + PortsToTry; port++)
        {
            if (ListenerSocket.Probe(Endpoint.Ip(NetAddress.V4(Loopback), port)) == Errno.None) found.Add(port);
            if (found.Count == count) return [.. found];
        }

        return null;
    }

    /// <summary>Null: somebody else took a port meanwhile.</summary>
    private static int? TryRun(
        ImmutableArray<int> ports, TimeSpan length, bool goOn, IDemoView view, TextWriter output, TextWriter error, CancellationToken stop)
    {
        ImmutableArray<WebServer> servers = [.. DemoConfiguration.Servers.Select((name, i) => new WebServer(name, ports[i + 1], s_work[i]))];
        using var directory = new DemoDirectory();
        try
        {
            foreach (WebServer server in servers) server.Start();
            File.WriteAllText(directory.Configuration, DemoConfiguration.ForDemo(ports[0], ports[1..], directory.Path));
            using var balancer = BalancerProcess.Start(directory);
            using var run = new DemoRun(servers, balancer, directory, ports[0], length, view);
            try
            {
                return PlayAsync(run, balancer, ports, goOn, view, output, error, stop).GetAwaiter().GetResult();
            }
            finally
            {
                run.StopAsync().GetAwaiter().GetResult();
            }
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return null;
        }
        catch (IOException) when (stop.IsCancellationRequested)
        {
            // The terminal was closed: there is nobody to tell.
            return 1;
        }
        finally
        {
            foreach (WebServer server in servers) server.Dispose();
        }
    }

    private static async Task<int?> PlayAsync(
        DemoRun run,
        BalancerProcess balancer,
        ImmutableArray<int> ports,
        bool goOn,
        IDemoView view,
        TextWriter output,
        TextWriter error,
        CancellationToken stop)
    {
        bool isReady;
        try
        {
            isReady = await run.WaitUntilReadyAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return 1;
        }

        if (!isReady)
        {
            string said = balancer.Output;
            if (said.Contains(Errno.EADDRINUSE.ToString(), StringComparison.Ordinal)) return null;
            error.WriteLine($"mainstay: the demo's balancer could not be started; it said:\n{said}");
            return 1;
        }

        string servers = $"{string.Join(", ", DemoConfiguration.Servers)} (ports {string.Join(", ", ports[1..])})";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{ports[0]}/ is served by {servers};"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the balancer is keeper {balancer.Pid} and worker {run.Worker}."));
        (bool isAlive, bool isWhole) = await run.PlayAsync(goOn, stop).ConfigureAwait(false);
        Frame end = run.ReadFrame();
        view.Conclude(Summary.Lines(end, run.FailureReasons, isWhole));
        if (!isAlive) error.WriteLine($"mainstay: the demo's balancer ended by itself; it said:\n{balancer.Output}");
        return isAlive && end.Lost == 0 ? 0 : 1;
    }

    /// <summary>The first signal ends the demo in order; the second one at once.</summary>
    private static PosixSignalRegistration StopOn(PosixSignal signal, CancellationTokenSource stop) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = !stop.IsCancellationRequested;
            stop.Cancel();
        });
}
