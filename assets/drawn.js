// Draw by the code that came once for the page. Streamlit sends these lines with every change.
export default function (component) {
  const own = { ...component, data: component.data?.own };
  const draw = () => globalThis.torchLoupe?.get("NAME")?.(own);
  if (globalThis.torchLoupe?.has("NAME")) return draw();
  let end;
  const begin = ({ detail }) => {
    if (detail !== "NAME") return;
    document.removeEventListener("torch-loupe-code", begin);
    end = draw();
  };
  document.addEventListener("torch-loupe-code", begin);
  return () => {
    document.removeEventListener("torch-loupe-code", begin);
    end?.();
  };
}
