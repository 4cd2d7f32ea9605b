using System.CommandLine;
using Mainstay.Admin;
using Mainstay.Configuration;
using Mainstay.Core.Config;
using Mainstay.Demo;
using Mainstay.Keeper;

namespace Mainstay.Commands;

/// <summary>All commands with their options. <c>run</c> is here for its help and its errors; Program starts it directly.</summary>
internal static class CommandLine
{
    public static int Invoke(string[] arguments)
    {
        ParseResult parsed = Build().Parse(arguments);
        try
        {
            int code = parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
            return parsed.Errors.Count > 0 ? ExitCode.WrongUse : code;
        }
        catch (UnreachableException e)
        {
            Console.Error.WriteLine($"mainstay: {e.Message}");
            return ExitCode.Unreachable;
        }
    }

    private static RootCommand Build() => new("Keeps a service standing: balances HTTP over healthy servers.")
    {
        Demo(), Run(), Check(), Schema(), Diff(), Status(), Pool(), BansCommand.Create(SocketOption, Socket, JsonOption), Version(),
    };

    private static Command Demo()
    {
        var length = new Option<TimeSpan?>("--for")
        {
            Description = "Play the script in this time and end, e.g. 10s. Exit code 0 only if no request failed that need not have.",
            HelpName = "DURATION",
            CustomParser = DemoCommand.ParseLength,
        };
        var print = new Option<bool>("--print-config") { Description = "Print the demo's configuration, to edit and run it." };
        var command = new Command("demo", "Shows what the program is for: three servers that break, and users who do not notice. Needs no root and no configuration.") { length, print };
        command.SetAction(parsed => parsed.GetValue(print)
            ? DemoCommand.PrintConfiguration(Console.Out)
            : DemoCommand.Run(parsed.GetValue(length), Console.Out, Console.Error));
        return command;
    }

    private static Command Run()
    {
        Option<string> file = ConfigurationOption();
        var command = new Command("run", "Runs in the foreground. SIGHUP reloads, SIGTERM drains and leaves, SIGUSR2 upgrades to the program on disk.") { file };
        command.SetAction(parsed => KeeperProcess.Run(parsed.GetRequiredValue(file), WorkerProgram.OfThisProcess()));
        return command;
    }

    private static Command Check()
    {
        Option<string> file = ConfigurationOption();
        file.Required = false;
        var given = new Argument<string?>("FILE") { Description = "The same without -c.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> json = JsonOption();
        var command = new Command("check", "Says everything that is wrong with a configuration, without running it.") { file, given, json };
        command.Validators.Add(result =>
        {
            bool both = result.GetResult(file) is not null && result.GetValue(given) is not null;
            if (both || (result.GetResult(file) is null && result.GetValue(given) is null)) result.AddError("Name one configuration file: mainstay check -c FILE");
        });
        command.SetAction(parsed => CheckCommand.Run(
            parsed.GetValue(file) ?? parsed.GetValue(given) ?? "", parsed.GetValue(json), Console.Out, Console.Error));
        return command;
    }

    private static Command Schema()
    {
        var markdown = new Option<bool>("--markdown") { Description = "As the tables of docs/configuration.md." };
        var command = new Command("schema", "Prints the configuration's vocabulary as JSON Schema, for editors.") { markdown };
        command.SetAction(parsed => SchemaCommand.Run(parsed.GetValue(markdown), Console.Out));
        return command;
    }

    private static Command Diff()
    {
        Option<string> file = ConfigurationOption();
        Option<bool> json = JsonOption();
        Option<string?> socket = SocketOption();
        var command = new Command("diff", "Says what a reload of this file would change in the running daemon.") { file, json, socket };
        command.SetAction(parsed =>
        {
            using var client = new AdminClient(Socket(parsed.GetValue(socket)));
            string running = client.GetText("api/configuration", out string refusal) ?? throw new InvalidOperationException(refusal);
            // Written for the plain environment: every default that depends on machine and user is spelled out.
            Snapshot before = ConfigurationFile.Parse(running, "running", new ConfigEnvironment()).Snapshot
                ?? throw new UnreachableException("the daemon's configuration cannot be read: it is of another version", null);
            return DiffCommand.Run(before, parsed.GetRequiredValue(file), parsed.GetValue(json), Console.Out, Console.Error);
        });
        return command;
    }

    private static Command Status()
    {
        Option<string?> socket = SocketOption();
        Option<bool> json = JsonOption();
        var watch = new Option<bool>("--watch", "-w") { Description = "Again every second, until interrupted." };
        var command = new Command("status", "Shows what runs and how every server does.") { socket, json, watch };
        command.SetAction(parsed => StatusCommand.Run(Socket(parsed.GetValue(socket)), parsed.GetValue(json), parsed.GetValue(watch), Console.Out));
        return command;
    }

    private static Command Pool() => new("pool", "Gives orders about a pool's servers; they hold until another one, over restarts too.")
    {
        Order("drain", "Existing work ends, new work goes elsewhere."),
        Order("enable", "Takes back drain and maintenance: the checks decide again."),
        Order("maintenance", "Takes the server out."),
    };

    private static Command Order(string verb, string description)
    {
        var pool = new Argument<string>("POOL");
        var server = new Argument<string>("SERVER");
        var reason = new Option<string>("--reason") { Description = "Shown in the status.", DefaultValueFactory = _ => "" };
        Option<string?> socket = SocketOption();
        var command = new Command(verb, description) { pool, server, reason, socket };
        command.SetAction(parsed => PoolCommand.Run(
            Socket(parsed.GetValue(socket)), verb, parsed.GetRequiredValue(pool), parsed.GetRequiredValue(server),
            parsed.GetRequiredValue(reason), Console.Out, Console.Error));
        return command;
    }

    private static Command Version()
    {
        var command = new Command("version", "Prints the version.");
        command.SetAction(_ =>
        {
            Console.WriteLine($"mainstay {StatusSources.Version}");
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<string> ConfigurationOption() =>
        new("--config", "-c") { Description = "The configuration file.", HelpName = "FILE", Required = true };

    private static Option<bool> JsonOption() => new("--json") { Description = "For programs." };

    private static Option<string?> SocketOption() =>
        new("--socket") { Description = "The daemon's admin socket (admin.socket in its configuration).", HelpName = "PATH" };

    /// <summary>Where a daemon of this user has its socket unless it was configured otherwise.</summary>
    private static string Socket(string? given) => given ?? LocalEnvironment.Create("/").AdminSocket;
}
