using System.Diagnostics;
using System.Globalization;
using Mainstay.Linux;

namespace Mainstay.Bench.Load;

/// <summary>UDP: a server that sends back what it gets, and clients that each wait for their answer before they ask again.</summary>
internal static class Datagrams
{
    private const int Wait = 500;

    /// <summary>Until standard input ends.</summary>
    public static void Echo(SocketAddress address)
    {
        int fd = Sockets.CreateDatagram(address.Family);
        if (Sockets.Bind(fd, address) < 0) throw new InvalidOperationException("the port is taken");
        using var epoll = new Epoll();
        _ = epoll.Register(fd, IoEvents.In, 0);
        byte[] buffer = new byte[65536];
        bool isOver = false;
        new Thread(() =>
        {
            Console.In.ReadToEnd();
            isOver = true;
        })
        { IsBackground = true }.Start();
        while (!Volatile.Read(ref isOver))
        {
            _ = epoll.Wait(Wait);
            for (int count; (count = Sockets.ReceiveFrom(fd, buffer, out SocketAddress peer)) >= 0;) _ = Sockets.SendTo(fd, buffer.AsSpan(0, count), peer);
        }
    }

    /// <summary>Prints <c>answered=N lost=N</c>. Each client has a socket of its own; one that gets no answer for a while asks again.</summary>
    public static void Ask(SocketAddress address, int clients, int size, double seconds)
    {
        using var epoll = new Epoll(1024);
        byte[] question = new byte[size], buffer = new byte[65536];
        int[] sockets = new int[clients];
        for (int i = 0; i < clients; i++)
        {
            sockets[i] = Sockets.CreateDatagram(address.Family);
            _ = Sockets.Connect(sockets[i], address);
            _ = epoll.Register(sockets[i], IoEvents.In, (ulong)i);
            _ = Sockets.Send(sockets[i], question);
        }

        long answered = 0, lost = 0;
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < seconds)
        {
            int ready = epoll.Wait(Wait);
            if (ready == 0)
            {
                lost += clients;
                foreach (int socket in sockets) _ = Sockets.Send(socket, question);
            }

            for (int i = 0; i < ready; i++)
            {
                int socket = sockets[epoll[i].Token];
                if (Sockets.Receive(socket, buffer) < 0) continue;
                answered++;
                _ = Sockets.Send(socket, question);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"answered={answered} lost={lost}"));
    }
}
