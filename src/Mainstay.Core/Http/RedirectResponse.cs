using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Http;

/// <summary>A redirect whose Location is a template. What is put in is encoded so that it cannot end the line.</summary>
public sealed class RedirectResponse
{
    private readonly byte[] _start;
    private readonly Template _location;

    /// <param name="location">The compiled template of the action.</param>
    public RedirectResponse(RouteAction.Redirect action, Template location)
    {
        Status = action.Status;
        _start = Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} {StatusText.Of(Status)}\r\nContent-Length: 0\r\nLocation: ");
        _location = location;
    }

    /// <summary>To the same URL with https; 308 keeps method and body.</summary>
    /// <param name="port">Of the https URL.</param>
    public static RedirectResponse ToHttps(int port)
    {
        const int PermanentRedirect = 308, DefaultPort = 443;
        string location = port == DefaultPort ? "https://{host}{uri}" : $"https://{{host}}:{port}{{uri}}";
        return new RedirectResponse(new RouteAction.Redirect(PermanentRedirect, location), new Template(location, TemplateUse.Location, new CaptureSlots()));
    }

    public int Status { get; }

    /// <summary>The template has {host}: a request without one (HTTP/1.0) is to be answered 400 instead.</summary>
    public bool NeedsHost => _location.NeedsHost;

    /// <returns>Length of the response, which has no body, or -1 when it does not fit.</returns>
    /// <param name="fields">Further header fields, complete lines.</param>
    public int Write(Span<byte> destination, in RuleInput input, ReadOnlySpan<byte> date, OwnResponse how, ReadOnlySpan<byte> fields = default)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(_start);
        _location.Write(ref buffer, input);
        RemoveExtraSlashes(ref buffer);
        buffer.Write("\r\n"u8);
        buffer.Write(fields);
        OwnFields.Write(ref buffer, date, how);
        return buffer.Result;
    }

    /// <summary>A Location that begins with "//" leads to another host; values must not make one of a path.</summary>
    private void RemoveExtraSlashes(ref HeadBuffer buffer)
    {
        ReadOnlySpan<byte> written = buffer.Written;
        if (_location.StartsWithDoubleSlash || written.IsEmpty) return;
        ReadOnlySpan<byte> location = written[_start.Length..];
        int slashes = location.IndexOfAnyExcept((byte)'/');
        if (slashes < 0) slashes = location.Length;
        if (slashes > 1) buffer.Remove(_start.Length, slashes - 1);
    }
}
